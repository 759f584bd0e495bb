import { type SwarmKey, swarmPrologue } from '@layerswarm/swarm'
import { noise } from '@libp2p/noise'

/**
 * The handshake of every connection: Noise XX, as libp2p specifies it. In a private swarm both ends begin it
 * with what the swarm's key gives (`swarmPrologue`), so between a member and anybody else it fails, before
 * there is a connection on which anything could be asked, told or introduced. WebRTC has no such handshake of
 * its own and needs none: it is agreed on over a circuit that does (docs/decisions/0028).
 * @param key undefined in a swarm that is open to all.
 */
export function memberNoise(key: SwarmKey | undefined): ReturnType<typeof noise> {
  return noise({ prologueBytes: swarmPrologue(key) })
}
