/** A small swarm in virtual time, for tests: the production machines and codec, nothing else real. */
export { SeededRandom } from './seeded-random.ts'
export { appliedLayers, SymbolicCompute } from './symbolic-compute.ts'
export { VirtualClock, VirtualEvent } from './virtual-clock.ts'
export { type Inhabitant, World, type WorldOptions } from './world.ts'
