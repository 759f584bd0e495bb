import { mulberry32 } from '@layerswarm/model'
import { createCompute } from '#compute'
import { PEER_DEFAULTS, type PeerOptions } from '../options.ts'
import { openSession } from '../session.ts'
import { type ComputeLie, lyingCompute } from './lying-compute.ts'

/** A volunteer of real connections whose results are wrong, and which is honest in everything else. */
export interface LyingPeer {
  readonly peerId: string
  hostedLayers(): readonly number[]
  stop(): Promise<void>
}

/**
 * Joins a swarm of real peers as one of them. @param seed of a `random` lie.
 * @throws PeerError as `Peer.start` does.
 */
export async function openLyingPeer(
  options: Partial<PeerOptions> & Pick<PeerOptions, 'join'>,
  lie: ComputeLie,
  seed: number,
): Promise<LyingPeer> {
  const session = await openSession(
    { ...PEER_DEFAULTS, ...options },
    { step: () => undefined, serverChanged: () => undefined, peerRefused: () => undefined },
    new AbortController().signal,
    async (needs, engine) =>
      lyingCompute(await createCompute(needs, engine), lie, mulberry32(seed)),
  )
  return {
    peerId: session.node.peerId.toString(),
    hostedLayers: () => session.member.snapshot().hosted,
    stop: session.close,
  }
}
