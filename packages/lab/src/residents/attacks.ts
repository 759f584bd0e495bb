import { activationBytes } from '@layerswarm/model'
import type {
  Activation,
  Claim,
  Hop,
  Message,
  PeerId,
  RequestId,
  Signature,
  Step,
  TensorHash,
} from '@layerswarm/swarm'
import { DEADLINE_MS_MAX, ERAS_MAX, HASH_BYTES, openLayers } from '@layerswarm/swarm'
import type { AttackPorts } from '@layerswarm/swarm/testing'
import { anyPresence, boundChain } from '@layerswarm/swarm/testing'
import {
  CROWD_KEYS,
  CROWD_STEPS_PER_KEY,
  FLOOD_TICKS_PER_SECOND,
  HOG_STEPS,
  HONEST_LAYER_MS,
  NOBODIES,
  REPLAY_AFTER_MS,
  REPLAYS_EACH,
  VALID_CLAIMS_PER_SECOND,
  VALID_STEPS_PER_SECOND,
} from '../limits.ts'

/** What one peer among honest ones may be up to, by the number of the setting `attack.kind`. */
export const ATTACKS = [
  'none',
  'crowd',
  'last-hop',
  'era-jump',
  'valid-flood',
  'replay',
  'false-relay',
  'false-lost',
  'hog',
  'fake-presence',
] as const
/** One of ATTACKS. */
export type Attack = (typeof ATTACKS)[number]

/** Starts what one attacker does; it overhears everything that is said, as if each step had been told to it. */
export function startAttack(kind: Attack, ports: AttackPorts): void {
  const attacker = new Attacker(ports)
  switch (kind) {
    case 'none':
      return
    case 'crowd':
      return attacker.crowd()
    case 'last-hop':
      return attacker.onEachRequest((step) => attacker.claimToBeLast(step))
    case 'era-jump':
      return attacker.onEachRequest((step) => attacker.jumpEras(step))
    case 'valid-flood':
      return attacker.floodWithinRules()
    case 'replay':
      return attacker.replay()
    case 'false-relay':
      return attacker.onEachStep((step, from) => attacker.nameAnother(step, from))
    case 'false-lost':
      return attacker.callLost()
    case 'hog':
      return attacker.hog()
    case 'fake-presence':
      return attacker.announceNobody()
    default:
      kind satisfies never
  }
}

/** One peer that speaks the protocol to harm it. */
class Attacker {
  private readonly ports: AttackPorts
  private readonly seen = new Set<RequestId>()

  constructor(ports: AttackPorts) {
    this.ports = ports
  }

  /** First steps of many throw-away keys for a tensor that nobody has, once. */
  crowd(): void {
    for (let key = 0; key < CROWD_KEYS; key++) {
      const author = this.ports.stranger(key)
      for (let i = 0; i < CROWD_STEPS_PER_KEY; i++)
        this.ports.seal(author, this.firstStep(author, DEADLINE_MS_MAX), (step) =>
          this.ports.forge(author, step),
        )
    }
  }

  /** Claims and first steps that nothing is wrong with, as fast as it may. */
  floodWithinRules(): void {
    let latest: Step | undefined
    this.overhear((_, message) => {
      if (message.kind === 'step') latest = message
    })
    const { transport } = this.ports
    this.tick((count) => {
      for (let i = 0; latest !== undefined && i < count(VALID_CLAIMS_PER_SECOND); i++)
        transport.publish(claimOn(latest, { ttlMs: 1, lost: false }))
      for (let i = 0; i < count(VALID_STEPS_PER_SECOND); i++)
        this.signed(this.firstStep(transport.self, DEADLINE_MS_MAX), (step) =>
          transport.publish(step),
        )
    })
  }

  /** First steps as their requesters said them, again and again. */
  replay(): void {
    const { clock } = this.ports
    this.overhear((from, message) => {
      if (message.kind !== 'step' || message.route.length > 0) return
      for (let i = 1; i <= REPLAYS_EACH; i++)
        clock.wakeAt(clock.nowMs() + i * REPLAY_AFTER_MS, () => this.ports.forge(from, message))
    })
  }

  /** A step of the last era in which this peer has run all that was left. */
  claimToBeLast(step: Step): void {
    const open = openLayers(step, this.ports.shape.layers)
    const route = [...step.route]
    for (const [layer, isOpen] of open.entries()) if (isOpen) route.push(this.hop(layer))
    this.say({ ...step, era: ERAS_MAX, route, activation: this.held(), ...PUBLIC }, [
      step.requester,
    ])
  }

  /** A step of the last era but one, whose time is over. */
  jumpEras(step: Step): void {
    const layer = openLayers(step, this.ports.shape.layers).indexOf(true)
    const route = layer < 0 ? step.route : [...step.route, this.hop(layer)]
    const forged = { ...step, era: ERAS_MAX - 1, route, activation: this.held(), ...PUBLIC }
    this.say({ ...forged, remainingMs: 0 }, this.ports.transport.neighbours())
  }

  /** Says of another that it has run a layer, and that its result is to be had here. */
  nameAnother(step: Step, from: PeerId): void {
    const layer = openLayers(step, this.ports.shape.layers).indexOf(true)
    const peer = step.next ?? from
    if (layer < 0 || peer === this.ports.transport.self) return
    const route = [...step.route, { ...this.hop(layer), peer }]
    const told = [step.requester, peer, from]
    const forged = {
      hop: route.length,
      by: undefined,
      isOpen: false,
      tensor: undefined,
      signature: this.signature(),
    }
    const chain = [...boundChain(step), forged]
    this.say({ ...step, route, chain, activation: this.held(), ...PUBLIC }, told)
  }

  /** Is chosen like everybody else, and calls every tensor that it is sent lost. */
  callLost(): void {
    const { transport } = this.ports
    this.ports.host(HONEST_LAYER_MS)
    transport.listen({
      peerDisconnected: () => {},
      messageArrived: (from, message) => {
        if (message.kind !== 'step' || (message.next ?? transport.self) !== transport.self) return
        const claim = claimOn(message, { ttlMs: 0, lost: true })
        if (message.next === undefined) transport.publish(claim)
        for (const to of new Set([from, message.requester])) transport.tell(claim, to)
      },
    })
  }

  /** Asks in the name of those who really ask, until nobody has room for them. */
  hog(): void {
    const { transport } = this.ports
    const named = new Set<PeerId>()
    this.overhear((_, { kind, ...message }) => {
      if (kind !== 'step') return
      const { requester } = message as Step
      if (named.has(requester)) return
      named.add(requester)
      const layers = this.ports.shape.layers
      for (let i = 0; i < HOG_STEPS; i++) {
        const step = this.firstStep(requester, DEADLINE_MS_MAX)
        const own = { route: [this.hop(i % layers)], activation: this.held() }
        const tensor = this.hex(HASH_BYTES) as TensorHash
        const chain = [
          { hop: 0, by: undefined, isOpen: false, tensor, signature: this.signature() },
        ]
        for (const next of transport.neighbours())
          if (next !== requester)
            this.signed({ ...step, ...own, chain, next }, (said) => transport.tell(said, next))
      }
    })
  }

  /** Hosts that nobody has ever met, more than anybody remembers, each signed by a key of its own. */
  announceNobody(): void {
    const { release, shape, clock } = this.ports
    const layers = Array.from({ length: shape.layers }, (_, layer) => layer)
    const lane = this.ports.lane()
    const names = Array.from({ length: NOBODIES }, (_, i) => this.ports.stranger(i))
    let sequence = 0
    this.tick((count) => {
      for (let i = 0; i < count(NOBODIES / 3); i++) {
        const presence = anyPresence({ release, lane, layers, freeSlots: 8, layerMs: 0.01 })
        const author = names[sequence % NOBODIES] as PeerId
        const message = { ...presence, sequence: sequence++, clockMs: clock.nowMs() }
        this.ports.forge(author, message)
      }
    })
  }

  /** Once per request, with the first step that is heard of it. */
  onEachRequest(act: (step: Step) => void): void {
    this.onEachStep((step) => {
      if (this.seen.has(step.request)) return
      this.seen.add(step.request)
      act(step)
    })
  }

  onEachStep(act: (step: Step, from: PeerId) => void): void {
    this.overhear((from, message) => {
      if (message.kind === 'step') act(message, from)
    })
  }

  private overhear(heard: (from: PeerId, message: Message) => void): void {
    const { transport } = this.ports
    this.ports.eavesdrop((from, message) => {
      if (this.ports.isThere() && from !== transport.self) heard(from, message)
    })
  }

  /** Says a step to the lane and, sooner, to a few. */
  private say(step: Step, to: readonly PeerId[]): void {
    const { transport } = this.ports
    this.signed(step, (said) => {
      for (const peer of to) transport.tell(said, peer)
      transport.publish(said)
    })
  }

  private tick(act: (count: (perSecond: number) => number) => void): void {
    const { clock, transport } = this.ports
    const again = () => {
      // Cut off, it has nobody to say it to.
      if (transport.neighbours().length > 0)
        act((perSecond) => Math.ceil(perSecond / FLOOD_TICKS_PER_SECOND))
      clock.wakeAt(clock.nowMs() + 1_000 / FLOOD_TICKS_PER_SECOND, again)
    }
    again()
  }

  private hop(layer: number): Hop {
    return { layer, peer: this.ports.transport.self, backend: 'ort-webgpu', ms: 1 }
  }

  /** A tensor of the right size that nobody has. */
  private held(holder = this.ports.transport.self): Activation {
    const { tokens, width } = this.ports.shape
    const size = activationBytes('float16', [1, tokens, width])
    const hash = this.hex(32) as never
    return { place: 'held', dtype: 'float16', batch: 1, tokens, width, size, holder, hash }
  }

  private firstStep(requester: PeerId, remainingMs: number): Step {
    return {
      kind: 'step',
      input: undefined,
      next: undefined,
      silent: [],
      barred: [],
      isPrivate: false,
      request: this.hex(16) as RequestId,
      requester,
      endsAtMs: this.ports.clock.nowMs() + remainingMs,
      era: 0,
      route: [],
      chain: [],
      plan: [],
      activation: this.held(requester),
      remainingMs,
    }
  }

  /** With a true link of its own: the best that a step can be whose other links are not true. */
  private signed(step: Step, say: (step: Step) => void): void {
    this.ports.seal(this.ports.transport.self, step, say)
  }

  /** A signature that nobody made. */
  private signature(): Signature {
    return this.hex(64) as Signature
  }

  private hex(count: number): string {
    let text = ''
    for (const byte of this.ports.random.bytes(count)) text += byte.toString(16).padStart(2, '0')
    return text
  }
}

/** For whoever answers first. */
const PUBLIC = { next: undefined, silent: [], input: undefined } as const

function claimOn(step: Step, said: Pick<Claim, 'ttlMs' | 'lost'>): Claim {
  const { request, era, route } = step
  return { kind: 'claim', request, era, hop: route.length, layer: 0, ...said }
}
