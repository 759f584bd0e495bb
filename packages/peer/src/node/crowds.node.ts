import { createSeats, isLoopback, networkOf, regionOf } from '@layerswarm/swarm'
import type { MultiaddrConnection } from '@libp2p/interface'
import { getNetConfig, isNetworkAddress } from '@libp2p/utils'
import { INBOUND_PER_NETWORK_MAX, INBOUND_PER_REGION_MAX } from '../limits.ts'
import { isCircuit } from './reach.ts'

/** What of a connection says where it comes from, and when it has ended. */
export type Incoming = Pick<MultiaddrConnection, 'remoteAddr' | 'addEventListener'>

/**
 * Where those who have dialled this peer come from. Identities cost nothing and addresses do: without a bound
 * one machine with a hundred identities would be all the neighbours that a peer has room for. Many behind one
 * address are normal, a household or a class room, so an address may hold half of the room (INBOUND_PER_NETWORK_MAX),
 * and all of a provider's that are numbered side by side three quarters (INBOUND_PER_REGION_MAX).
 */
export interface Crowds {
  /**
   * Takes a place for whoever has dialled; it is given back when the connection ends. Circuits, which come from
   * a server, what is agreed on over them, and programs of this machine, where a proxy may stand for everybody, are let in and not counted.
   * @returns false when there is none.
   */
  admit(connection: Incoming): boolean
}

/** Nobody has dialled. */
export function createCrowds(): Crowds {
  const networks = createSeats(INBOUND_PER_NETWORK_MAX)
  const regions = createSeats(INBOUND_PER_REGION_MAX)
  return {
    admit(connection) {
      const { remoteAddr } = connection
      // A circuit's begins with the address of its server; WebRTC's names none.
      if (isCircuit(String(remoteAddr)) || !isNetworkAddress(remoteAddr)) return true
      const { host } = getNetConfig(remoteAddr)
      if (isLoopback(host)) return true
      const [network, region] = [networkOf(host), regionOf(host)]
      if (!networks.take(network)) return false
      if (!regions.take(region)) {
        networks.giveBack(network)
        return false
      }
      const ended = () => {
        networks.giveBack(network)
        regions.giveBack(region)
      }
      connection.addEventListener('close', ended, { once: true })
      return true
    },
  }
}
