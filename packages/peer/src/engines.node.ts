/**
 * What only Node can do, beside everything in `@layerswarm/peer`: engines in the calling thread, and an
 * exit that waits for those in other threads.
 */
export {
  createNodeEngine,
  NODE_ENGINE_NAMES,
  type NodeEngineName,
} from './engine/create-engine.node.ts'
export { type ExitDoor, exitDoor, openBehindDoor } from './engine/exit-door.node.ts'
