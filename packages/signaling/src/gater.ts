import { createQuota } from '@layerswarm/swarm'
import type { ConnectionGater, PeerId } from '@libp2p/interface'
import { type Census, networkOfConnection } from './census.ts'
import * as limits from './limits.ts'
import type { PresenceGate } from './presence-gate.ts'

/** What decides whom a relay lets in, and what it grants them. */
export interface GaterNeeds {
  readonly gate: PresenceGate
  /** Whether a peer is let in at all; says so where it is not. */
  admits(peer: string): boolean
  readonly census: Census
  readonly circuits: { granted: number; refused: number }
  /** Gives the reservation of a peer back that asks for it anew. */
  release(peer: PeerId): void
  /** Whether a network holds all the reservations that one may. */
  isFull(network: string): boolean
}

/**
 * Who may connect, reserve a place and open a circuit. Each is bounded by peer and by network: identities cost
 * nothing.
 */
export function createGater({
  gate,
  admits,
  census,
  circuits,
  release,
  isFull,
}: GaterNeeds): ConnectionGater {
  const ofPeers = createQuota({
    burst: limits.CIRCUITS_BURST,
    perSecond: limits.CIRCUITS_PER_SECOND,
    namesMax: limits.RATE_KEYS_MAX,
  })
  const ofNetworks = createQuota({
    burst: limits.CIRCUITS_PER_ADDRESS_BURST,
    perSecond: limits.CIRCUITS_PER_ADDRESS_PER_SECOND,
    namesMax: limits.RATE_KEYS_MAX,
  })
  return {
    // This node never dials: nobody can use it to reach into the network it stands in. Other servers
    // are met at URLs that the host named, past libp2p's dialler.
    denyDialMultiaddr: () => true,
    denyInboundEncryptedConnection(peer, connection) {
      if (gate.isBanned(peer.toString(), performance.now())) return true
      if (!admits(peer.toString())) return true
      const network = networkOfConnection(connection)
      return (
        network !== undefined && census.connections(network) >= limits.CONNECTIONS_PER_ADDRESS_MAX
      )
    },
    denyInboundRelayReservation(peer) {
      release(peer)
      const network = census.networkOf(peer.toString())
      return network !== undefined && isFull(network)
    },
    denyOutboundRelayedConnection(source) {
      const nowMs = performance.now()
      const network = census.networkOf(source.toString())
      const allowed =
        ofPeers.take(source.toString(), nowMs) &&
        (network === undefined || ofNetworks.take(network, nowMs))
      circuits[allowed ? 'granted' : 'refused'] += 1
      return !allowed
    },
  }
}
