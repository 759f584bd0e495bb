/**
 * One participant of a swarm, in a browser tab or in Node: it joins through a signaling server,
 * hosts layers of a vision transformer for others, and has its own images classified by them.
 *
 * ```ts
 * const peer = createPeer({ join: 'http://127.0.0.1:9000', serve: 'auto', capacity: 2 })
 * await peer.start()
 * const { answer } = await peer.classify(images, { deadlineMs: 10_000 })
 * const { probabilities, route } = await answer
 * await peer.stop()
 * ```
 */
export { PeerError, type PeerFault } from './errors.ts'
export { PEER_DEFAULTS, type PeerOptions } from './options.ts'
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
