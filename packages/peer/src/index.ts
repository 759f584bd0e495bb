/**
 * One participant of a swarm, in a browser tab or in Node: it joins through a signaling server,
 * checks the release it is offered, hosts layers of its vision transformer for others, and has its
 * own images classified by them. It computes in a worker of its own; `stop` leaves nothing behind.
 *
 * @example
 * ```ts
 * import { randomTensor } from '@layerswarm/model'
 * import { createPeer } from '@layerswarm/peer'
 *
 * const peer = createPeer({ join: 'http://127.0.0.1:9000', serve: 'auto', capacity: 2 })
 * await peer.start()
 * const { size, channels } = peer.manifest.preprocessing
 * const images = randomTensor([1, channels, size, size], 1) // noise; see imageTensor for pictures
 * const { answer } = await peer.classify(images, { deadlineMs: 10_000 })
 * const { probabilities, route, missingLayers } = await answer
 * await peer.stop()
 * ```
 *
 * @packageDocumentation
 */
export { PeerError, type PeerFault } from './errors.ts'
export { PEER_DEFAULTS, type PeerOptions, type PolicyName } from './options.ts'
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
