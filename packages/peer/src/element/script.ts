/**
 * One file for a script tag: `<layer-swarm>` is known to the page once it is loaded, and programs
 * import `createPeer` from it. Its workers and their WebAssembly are fetched from beside it when a
 * peer starts, so the folder is served as a whole, from the page's own origin.
 */
import { defineLayerSwarm } from './layer-swarm.ts'

export { createPeer } from '../peer.ts'
export { defineLayerSwarm } from './layer-swarm.ts'

defineLayerSwarm()
