import { createPeer, type Peer, type PeerOptions, type PolicyName } from '@layerswarm/peer'

/** Which swarm a requester joins, and with what. */
export interface RequesterNeeds {
  readonly join: URL
  readonly release: string | undefined
  readonly engine: PeerOptions['engine']
  readonly policy: PolicyName
  /** Whether it speaks WebRTC: not where all peers are processes of this machine. */
  readonly webrtc: boolean
  readonly signal: AbortSignal
}

/** Joins a swarm without hosting anything. The caller stops the peer. @throws PeerError */
export async function joinAsRequester(needs: RequesterNeeds): Promise<Peer> {
  const { join, release, engine, policy, webrtc, signal } = needs
  const how = { release, engine, policy, webrtc }
  const peer = createPeer({ join: join.href, serve: 'none', capacity: 0, ...how })
  try {
    await peer.start(signal)
  } catch (error) {
    await peer.stop()
    throw error
  }
  return peer
}
