import type { Activation, Clock, PeerId, RequestId, Step } from '@layerswarm/swarm'
import {
  CLAIM_TTL_MS_MAX,
  INLINE_BYTES_MAX,
  type ModelShape,
  openLayers,
  PRESENCE_INTERVAL_MS,
  SLOTS_DEFAULT,
} from '@layerswarm/swarm'
import { type SeededRandom, sealedBy, symbolicStem } from '@layerswarm/swarm/testing'
import {
  FLOOD_MESSAGE_BYTES,
  FLOOD_TICKS_PER_SECOND,
  HONEST_LAYER_MS,
  SYBIL_LAYER_MS,
} from '../limits.ts'
import type { LabNetwork } from '../network/gossip.ts'
import type { LabTransport } from '../network/lab-transport.ts'
import type { Settings } from '../scenarios/settings.ts'

/** Peers that speak the protocol without playing it; they have no Core. */
export interface BadActorNeeds {
  readonly transport: LabTransport
  readonly clock: Clock
  readonly random: SeededRandom
  readonly release: string
  readonly shape: ModelShape
}

/** What a bad actor says of itself: unless told otherwise every layer, and a speed that nobody has, so that it ranks first everywhere. */
interface Boast {
  readonly layerMs?: number
  /** The first of the model. */
  readonly layers?: number
  readonly freeSlots?: number
}

/** Announces itself as a host, again and again. */
export function announce(
  { transport, clock, release, shape }: BadActorNeeds,
  { layerMs = SYBIL_LAYER_MS, layers = shape.layers, freeSlots = SLOTS_DEFAULT }: Boast = {},
): void {
  let sequence = 0
  const again = () => {
    transport.publish({
      kind: 'presence',
      measured: true,
      upload: 0,
      download: 0,
      strangersFail: 0,
      near: [],
      release,
      lane: transport.station.lane?.index ?? 0,
      sequence: sequence++,
      clockMs: clock.nowMs(),
      layers: Array.from({ length: layers }, (_, layer) => layer),
      freeSlots,
      layerMs,
      backend: 'ort-webgpu',
      addresses: [],
      asking: false,
      links: 0,
      leaving: false,
      moving: false,
    })
    clock.wakeAt(clock.nowMs() + PRESENCE_INTERVAL_MS, again)
  }
  again()
}

/** Announces half of the layers and is never free: nobody can find out that it hosts none. */
export function startHollow(needs: BadActorNeeds): void {
  const layers = needs.shape.layers >> 1
  announce(needs, { layerMs: HONEST_LAYER_MS, layers, freeSlots: 0 })
}

/** Claims every step that it hears for as long as the protocol allows, and never delivers. */
export function startSybil(needs: BadActorNeeds): void {
  const { transport, shape } = needs
  announce(needs)
  transport.listen({
    peerDisconnected: () => {},
    messageArrived: (_from, message) => {
      if (message.kind !== 'step') return
      const layer = openLayers(message, shape.layers).indexOf(true)
      if (layer < 0) return
      const { request, era, route } = message
      const hop = route.length
      transport.publish({
        kind: 'claim',
        lost: false,
        request,
        era,
        hop,
        layer,
        ttlMs: CLAIM_TTL_MS_MAX,
      })
    },
  })
}

/**
 * Sends as many fake requests as others accept, and far more than that: what is over the quota
 * costs the network its bytes and nothing else.
 */
export function startFlooder(needs: BadActorNeeds, network: LabNetwork, settings: Settings): void {
  const { transport, clock, random, shape } = needs
  const perTick = Math.ceil(settings['flooders.perSecond'] / FLOOD_TICKS_PER_SECOND)
  const accepted = Math.min(
    perTick,
    Math.ceil(settings['gossip.quotaPerSecond'] / FLOOD_TICKS_PER_SECOND),
  )
  announce(needs)
  const { tokens, width } = shape
  const bytes = symbolicStem(tokens * width * 2, 0)
  const activation: Activation =
    bytes.length > INLINE_BYTES_MAX
      ? {
          place: 'held',
          dtype: 'float16',
          batch: 1,
          tokens,
          width,
          size: bytes.length,
          holder: transport.self,
          hash: '0'.repeat(64) as never,
        }
      : { place: 'inline', dtype: 'float16', batch: 1, tokens, width, bytes }
  const tick = () => {
    for (let i = 0; i < accepted; i++)
      transport.publish(
        sealedBy(
          transport.self,
          fakeStep(
            random,
            transport.self,
            activation,
            clock.nowMs(),
            settings['requests.deadlineMs'],
          ),
          needs.release,
        ),
      )
    network.waste(transport.station, perTick - accepted, FLOOD_MESSAGE_BYTES)
    clock.wakeAt(clock.nowMs() + 1_000 / FLOOD_TICKS_PER_SECOND, tick)
  }
  tick()
}

/** Pretends to be as patient as a real request. */
function fakeStep(
  random: SeededRandom,
  requester: PeerId,
  activation: Activation,
  nowMs: number,
  remainingMs: number,
): Step {
  let request = ''
  for (const byte of random.bytes(16)) request += byte.toString(16).padStart(2, '0')
  return {
    kind: 'step',
    input: undefined,
    next: undefined,
    silent: [],
    barred: [],
    isPrivate: false,
    request: request as RequestId,
    requester,
    endsAtMs: nowMs + remainingMs,
    era: 0,
    route: [],
    chain: [],
    plan: [],
    activation,
    remainingMs,
  }
}
