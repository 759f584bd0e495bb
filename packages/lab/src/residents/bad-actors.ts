import type { Activation, Clock, Message, PeerId, RequestId, Step } from '@layerswarm/swarm'
import {
  CLAIM_TTL_MS_MAX,
  type ModelShape,
  openLayers,
  PRESENCE_INTERVAL_MS,
} from '@layerswarm/swarm'
import type { SeededRandom } from '@layerswarm/swarm/testing'
import type { LabNetwork, LabTransport } from '../network/gossip.ts'
import type { Settings } from '../scenarios/settings.ts'
import { symbolicStem } from './lab-compute.ts'

/** Peers that speak the protocol without playing it; they have no Core. */
export interface BadActorNeeds {
  readonly transport: LabTransport
  readonly clock: Clock
  readonly random: SeededRandom
  readonly release: string
  readonly shape: ModelShape
}

/** Announces every layer and a speed that nobody has, so that it ranks first everywhere. */
function announce({ transport, clock, release, shape }: BadActorNeeds): void {
  let sequence = 0
  const again = () => {
    transport.publish({
      kind: 'presence',
      release,
      sequence: sequence++,
      layers: Array.from({ length: shape.layers }, (_, layer) => layer),
      freeSlots: 8,
      layerMs: 0.01,
      backend: 'ort-webgpu',
      addresses: [],
      asking: false,
      links: 0,
      leaving: false,
    })
    clock.wakeAt(clock.nowMs() + PRESENCE_INTERVAL_MS, again)
  }
  again()
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
      transport.publish({ kind: 'claim', request, era, hop, layer, ttlMs: CLAIM_TTL_MS_MAX })
    },
  })
}

/** Ticks per second in which a flooder sends. */
const TICKS_PER_SECOND = 20

/**
 * Sends as many fake requests as others accept, and far more than that: what is over the quota
 * costs the network its bytes and nothing else.
 */
export function startFlooder(needs: BadActorNeeds, network: LabNetwork, settings: Settings): void {
  const { transport, clock, random, shape } = needs
  const perTick = Math.ceil(settings['flooders.perSecond'] / TICKS_PER_SECOND)
  const accepted = Math.min(
    perTick,
    Math.ceil(settings['gossip.quotaPerSecond'] / TICKS_PER_SECOND),
  )
  announce(needs)
  const { tokens, width } = shape
  const bytes = symbolicStem(tokens * width * 2, 0)
  const activation: Activation =
    bytes.length > 30_000
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
      transport.publish(fakeStep(random, transport.self, activation))
    network.waste(transport.station, perTick - accepted, 200)
    clock.wakeAt(clock.nowMs() + 1_000 / TICKS_PER_SECOND, tick)
  }
  tick()
}

function fakeStep(random: SeededRandom, requester: PeerId, activation: Activation): Message {
  let request = ''
  for (const byte of random.bytes(16)) request += byte.toString(16).padStart(2, '0')
  const step: Step = {
    kind: 'step',
    request: request as RequestId,
    requester,
    era: 0,
    route: [],
    plan: [],
    activation,
    remainingMs: settingsDeadlineMs,
  }
  return step
}

/** Fake requests pretend to be as patient as real ones. */
const settingsDeadlineMs = 30_000
