/**
 * What a test of the swarm is made of: a small swarm in virtual time (the production machines and
 * codec, nothing else real), and the acceptance suite of each port, which every implementation runs.
 */
export { boundChain } from '../chain/own-link.ts'
export type { AcceptanceBench, AcceptanceCase } from './acceptance.ts'
export { ANY_SIGNATURE, anyChain, chainOf } from './any-chain.ts'
export { anyPresence } from './any-presence.ts'
export type { AttackPorts } from './attack-ports.ts'
export { type ClockBench, clockAcceptance } from './clock-acceptance.ts'
export { computeAcceptance } from './compute-acceptance.ts'
export type { ComputeBench } from './compute-bench.ts'
export { randomAcceptance } from './random-acceptance.ts'
export { Recounts } from './recounts.ts'
export { areSealed, sealedBy, sealedThrough, sealOf } from './seals.ts'
export { SeededRandom } from './seeded-random.ts'
export { SimulatedNetwork } from './simulated-network.ts'
export { SymbolicCompute } from './symbolic-compute.ts'
export {
  appliedToAll,
  isTainted,
  isTaintedBytes,
  layersIn,
  SYMBOLS_BYTES,
  symbolicRows,
  symbolicStem,
  tainted,
  trueRoute,
} from './symbols.ts'
export { transportAcceptance } from './transport-acceptance.ts'
export type { TransportBench } from './transport-bench.ts'
export { VirtualClock, VirtualEvent } from './virtual-clock.ts'
export {
  type Inhabitant,
  REAL_TENSORS,
  SIMULATED_RELEASE,
  simulatedMember,
  World,
  type WorldOptions,
} from './world.ts'
