import type { EncodedActivation } from '@layerswarm/model'
import { CORE_OPTIONS_DEFAULT } from '../core-options.ts'
import { createMember } from '../driver.ts'
import type { Member, MemberOptions, MemberPorts } from '../member.ts'
import type { Compute } from '../ports.ts'
import type { ModelShape } from '../step.ts'
import type { PeerId } from '../wire/messages.ts'
import { SeededRandom } from './seeded-random.ts'
import {
  NETWORK_OPTIONS_DEFAULT,
  type NetworkOptions,
  SimulatedNetwork,
} from './simulated-network.ts'
import { SymbolicCompute } from './symbolic-compute.ts'
import { isSymbolicStep, symbolicArithmetic, symbolsAgree } from './symbols.ts'
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
  // Small tensors: a symbolic activation needs six bytes and one per layer, and the time goes into the protocol.
  shape: { layers: 8, tokens: 5, width: 16 },
  layerMs: 2,
  network: NETWORK_OPTIONS_DEFAULT,
})

/** For members whose compute runs layers of a model: how tensors are judged and added up in production. */
export const REAL_TENSORS: Pick<MemberOptions, 'agree' | 'isPlausible' | 'arithmetic'> =
  Object.freeze({
    agree: CORE_OPTIONS_DEFAULT.agree,
    isPlausible: CORE_OPTIONS_DEFAULT.isPlausible,
    arithmetic: CORE_OPTIONS_DEFAULT.arithmetic,
  })

/** A member in a simulated world, with the handles to disturb it. */
export interface Inhabitant<C extends Compute = SymbolicCompute> {
  readonly peer: PeerId
  readonly member: Member
  readonly compute: C
}

/** The release that simulated members serve unless told otherwise: a hash of nothing, hex. */
export const SIMULATED_RELEASE = '5'.repeat(64)

/**
 * Makes a member of a simulated world on the given ports, the production machines on simulated
 * ones: the small world of tests, the page's lab and the churn lab all make theirs here. It has not
 * started.
 */
export function simulatedMember<C extends Compute>(
  ports: Omit<MemberPorts, 'compute'> & { readonly compute: C },
  options: Omit<MemberOptions, 'release'> & Partial<Pick<MemberOptions, 'release'>>,
): Inhabitant<C> {
  const member = createMember(ports, {
    release: SIMULATED_RELEASE,
    agree: symbolsAgree,
    isPlausible: isSymbolicStep,
    arithmetic: symbolicArithmetic,
    ...options,
  })
  return { peer: ports.transport.self, member, compute: ports.compute }
}

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
    this.network = new SimulatedNetwork(
      this.clock,
      this.random,
      this.options.network,
      this.options.shape.layers,
    )
  }

  /** Brings in a member with an engine of symbols, and starts it. */
  join(name: string, options: Partial<MemberOptions> = {}): Inhabitant {
    const compute = new SymbolicCompute(this.clock, this.options.layerMs)
    const inhabitant = this.joinWith(name, compute, options)
    this.inhabitants.set(inhabitant.peer, inhabitant)
    return inhabitant
  }

  /** Brings in a member with an engine of the caller's, and starts it; the caller ends it. */
  joinWith<C extends Compute>(
    name: string,
    compute: C,
    options: Partial<MemberOptions> = {},
  ): Inhabitant<C> {
    const { clock, random } = this
    const transport = this.network.join(name as PeerId)
    const { shape } = this.options
    const inhabitant = simulatedMember({ transport, clock, random, compute }, { shape, ...options })
    inhabitant.member.start()
    return inhabitant
  }

  /** Ends a member of `join` without a word, as a crashed tab does. */
  kill(peer: PeerId, noticed = true): void {
    const inhabitant = this.inhabitants.get(peer)
    if (inhabitant === undefined) return
    this.inhabitants.delete(peer)
    this.network.kill(peer, noticed)
    inhabitant.compute.frozen = true
    inhabitant.member.stop()
  }

  /** The stem's output for a new request, (1, T, C); no layer is applied yet. */
  stem(dtype: EncodedActivation['dtype'] = 'float16'): EncodedActivation {
    const { tokens, width } = this.options.shape
    const perElement = dtype === 'float32' ? 4 : 2
    return { dtype, shape: [1, tokens, width], bytes: new Uint8Array(tokens * width * perElement) }
  }
}
