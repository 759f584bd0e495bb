/**
 * What only Node can do, beside everything in `@layerswarm/peer`: engines in the calling thread.
 */
export {
  createNodeEngine,
  NODE_ENGINE_NAMES,
  type NodeEngineName,
} from './engine/create-engine.node.ts'
