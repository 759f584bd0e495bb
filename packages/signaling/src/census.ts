import { isLoopback, networkOf } from '@layerswarm/swarm'
import type { Connection, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { getNetConfig, isNetworkAddress } from '@libp2p/utils'

/** What of a connection says where it comes from. */
type Placed = Pick<MultiaddrConnection, 'remoteAddr'>

/**
 * Who is connected from where. Identities cost nothing, addresses do: what a server grants is counted by
 * network (`networkOf` of packages/swarm) as well as by peer. Programs of the server's own machine belong to
 * no network, since a proxy there asks for everybody.
 */
export interface Census {
  opened(connection: Pick<Connection, 'remotePeer' | 'remoteAddr'>): void
  closed(connection: Pick<Connection, 'remotePeer' | 'remoteAddr'>): void
  /** The network of a peer's newest connection. */
  networkOf(peer: string): string | undefined
  /** How many connections a network holds. */
  connections(network: string): number
  /** How many of these peers are connected from a network. */
  count(peers: Iterable<PeerId>, network: string): number
}

/** Nobody is connected. */
export function createCensus(): Census {
  const networks = new Map<string, string>()
  const connections = new Map<string, number>()

  function add(network: string, change: number): void {
    const count = (connections.get(network) ?? 0) + change
    if (count > 0) connections.set(network, count)
    else connections.delete(network)
  }

  /** How many connections each peer has, so that its network is forgotten with the last. */
  const held = new Map<string, number>()

  return {
    opened(connection) {
      const network = networkOfConnection(connection)
      const peer = connection.remotePeer.toString()
      held.set(peer, (held.get(peer) ?? 0) + 1)
      if (network === undefined) return
      networks.set(peer, network)
      add(network, 1)
    },
    closed(connection) {
      const network = networkOfConnection(connection)
      const peer = connection.remotePeer.toString()
      const left = (held.get(peer) ?? 0) - 1
      if (left > 0) held.set(peer, left)
      else {
        held.delete(peer)
        networks.delete(peer)
      }
      if (network !== undefined) add(network, -1)
    },
    networkOf: (peer) => networks.get(peer),
    connections: (network) => connections.get(network) ?? 0,
    count(peers, network) {
      let count = 0
      for (const peer of peers) if (networks.get(peer.toString()) === network) count += 1
      return count
    },
  }
}

/** The network that a connection counts for; none for this machine, and for what comes from nowhere. */
export function networkOfConnection({ remoteAddr }: Placed): string | undefined {
  if (!isNetworkAddress(remoteAddr)) return undefined
  const { host } = getNetConfig(remoteAddr)
  return isLoopback(host) ? undefined : networkOf(host)
}
