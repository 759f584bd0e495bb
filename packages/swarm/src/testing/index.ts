/** A small swarm in virtual time, for tests: the production machines and codec, nothing else real. */
export { SeededRandom } from './seeded-random.ts'
export { SymbolicCompute } from './symbolic-compute.ts'
export {
  applied,
  isTainted,
  isTaintedBytes,
  layersIn,
  SYMBOLS_BYTES,
  symbolicLogits,
  symbolicStem,
  tainted,
  trueRoute,
} from './symbols.ts'
export { VirtualClock, VirtualEvent } from './virtual-clock.ts'
export {
  type Inhabitant,
  SIMULATED_RELEASE,
  simulatedMember,
  World,
  type WorldOptions,
} from './world.ts'
