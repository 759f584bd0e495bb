/**
 * One participant of a swarm, in a browser tab or in Node: it joins through a signaling server,
 * checks the release it is offered, hosts layers of its vision transformer for others, and has its
 * own images classified by them. It computes in a worker of its own; `stop` leaves nothing behind.
 *
 * @example
 * ```ts
 * import { createPeer } from '@layerswarm/peer'
 *
 * const peer = createPeer({ join: 'http://127.0.0.1:9000', serve: 'auto', capacity: 2 })
 * await peer.start()
 * const { label, confidence, route, missingLayers } = await peer.classifyImage('photo.png', {
 *   deadlineMs: 10_000,
 * })
 * await peer.stop()
 * ```
 *
 * A file or an address is decoded by a browser itself, in Node by the package sharp, which is installed
 * beside this one (the command `layerswarm` brings it); `onnxruntime-node`, installed in the same way,
 * computes faster than the WebAssembly that is part of this package.
 *
 * @packageDocumentation
 */
export { PeerError, type PeerFault } from './errors.ts'
export type { ImageAnswer, ImageSource } from './images/image-source.ts'
export { PEER_DEFAULTS, type PeerIceServer, type PeerOptions, type PolicyName } from './options.ts'
export { createPeer, type Peer, type PeerEvent } from './peer.ts'
export {
  createRollingPeer,
  ROLLING_DEFAULTS,
  type RollingEvent,
  type RollingOptions,
  type RollingPeer,
} from './rolling-peer.ts'
export type { PeerSnapshot, PeerState } from './snapshot.ts'
export { createSystemClock, type SystemClock, systemRandom } from './system-ports.ts'
