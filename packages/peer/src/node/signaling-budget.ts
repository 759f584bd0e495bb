import { createQuota, PEERS_MAX } from '@layerswarm/swarm'
import {
  SIGNALS_BURST,
  SIGNALS_PER_PEER_BURST,
  SIGNALS_PER_PEER_PER_SECOND,
  SIGNALS_PER_SECOND,
} from '../limits.ts'

/** Whose signalling makes an RTCPeerConnection here. */
export interface SignalingBudget {
  /**
   * Takes what one more costs.
   * @param isAcquainted whether the peer has announced itself in the lane.
   * @returns false, and the connection is not to be made, when there is nothing left for that peer.
   */
  spend(peer: string, isAcquainted: boolean, nowMs: number): boolean
}

/**
 * What others' wish to connect may cost. Every stream of signalling makes an RTCPeerConnection, of which a page
 * has about 500 in its life, and identities cost nothing.
 *
 * 1. One peer has a few at once, and then as many as whoever retries a dial. That bounds its circuits too.
 * 2. Strangers together have as many as a full lane dials a newcomer with, then what the coming and going of one
 *    brings. Acquaintances have as many again: they get through beside any crowd of strangers.
 * 3. Strangers have `strangersMax` in all. An acquaintance that is refused would be dialled from here, which costs
 *    the same: so it is not refused, and two tabs that strangers have worn out still meet.
 *
 * @param strangersMax for as long as the budget lives; infinite where connections are not counted.
 */
export function createSignalingBudget(strangersMax: number): SignalingBudget {
  const peers = createQuota({
    perSecond: SIGNALS_PER_PEER_PER_SECOND,
    burst: SIGNALS_PER_PEER_BURST,
    namesMax: PEERS_MAX,
  })
  const rate = { perSecond: SIGNALS_PER_SECOND, burst: SIGNALS_BURST, namesMax: 1 }
  const [acquaintances, strangers] = [createQuota(rate), createQuota(rate)]
  let strangersLeft = strangersMax
  return {
    spend(peer, isAcquainted, nowMs) {
      if (!(isAcquainted || strangersLeft > 0)) return false
      // First: a peer that is refused takes nothing from the others.
      if (!peers.take(peer, nowMs)) return false
      if (isAcquainted) return acquaintances.take('', nowMs)
      if (!strangers.take('', nowMs)) return false
      strangersLeft -= 1
      return true
    },
  }
}
