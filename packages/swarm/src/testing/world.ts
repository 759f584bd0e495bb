import type { EncodedActivation } from '@layerswarm/model'
import { createMember, type Member, type MemberOptions } from '../member.ts'
import type { ModelShape } from '../step.ts'
import type { PeerId } from '../wire/messages.ts'
import { SeededRandom } from './seeded-random.ts'
import {
  NETWORK_OPTIONS_DEFAULT,
  type NetworkOptions,
  SimulatedNetwork,
} from './simulated-network.ts'
import { SymbolicCompute } from './symbolic-compute.ts'
import { VirtualClock } from './virtual-clock.ts'

/** How a world is built; the same seed gives the same run. */
export interface WorldOptions {
  readonly seed: number
  readonly shape: ModelShape
  /** One layer run on an ordinary peer, milliseconds. */
  readonly layerMs: number
  readonly network: NetworkOptions
}

/** Eight layers of 2 ms in a quiet room. */
export const WORLD_OPTIONS_DEFAULT: WorldOptions = Object.freeze({
  seed: 1,
  // Small tensors: a symbolic activation needs one byte per layer and the time goes into the protocol.
  shape: { layers: 8, tokens: 5, width: 16 },
  layerMs: 2,
  network: NETWORK_OPTIONS_DEFAULT,
})

/** A member in the simulated world, with the handles to disturb it. */
export interface Inhabitant {
  readonly peer: PeerId
  readonly member: Member
  readonly compute: SymbolicCompute
}

const RELEASE = '5'.repeat(64)

/** Members on one simulated network in virtual time: the production machines and codec, nothing else real. */
export class World {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: SimulatedNetwork
  readonly options: WorldOptions
  readonly inhabitants = new Map<PeerId, Inhabitant>()

  constructor(options: Partial<WorldOptions> = {}) {
    this.options = { ...WORLD_OPTIONS_DEFAULT, ...options }
    this.random = new SeededRandom(this.options.seed)
    this.network = new SimulatedNetwork(this.clock, this.random, this.options.network)
  }

  join(name: string, options: Partial<MemberOptions> = {}): Inhabitant {
    const peer = name as PeerId
    const compute = new SymbolicCompute(this.clock, this.options.layerMs)
    const ports = {
      transport: this.network.join(peer),
      clock: this.clock,
      random: this.random,
      compute,
    }
    const member = createMember(ports, { release: RELEASE, shape: this.options.shape, ...options })
    const inhabitant = { peer, member, compute }
    this.inhabitants.set(peer, inhabitant)
    member.start()
    return inhabitant
  }

  /** Ends a member without a word, as a crashed tab does. */
  kill(peer: PeerId, noticed = true): void {
    const inhabitant = this.inhabitants.get(peer)
    if (inhabitant === undefined) return
    this.inhabitants.delete(peer)
    this.network.kill(peer, noticed)
    inhabitant.compute.frozen = true
    inhabitant.member.stop()
  }

  /** The stem's output for a new request; no layer is applied yet. */
  stem(dtype: EncodedActivation['dtype'] = 'float16'): EncodedActivation {
    const { tokens, width } = this.options.shape
    const perElement = dtype === 'float32' ? 4 : 2
    return { dtype, shape: [1, tokens, width], bytes: new Uint8Array(tokens * width * perElement) }
  }
}
