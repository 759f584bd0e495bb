import type { Backlog } from '@layerswarm/swarm'
import type { Transport, Upgrader } from '@libp2p/interface'
import { networkOfConnection } from '../census.ts'

/** What of libp2p makes a connection of a socket that came in. */
type Inbound = Pick<Upgrader, 'upgradeInbound'>

/**
 * The same upgrader, which cuts the longest waiting of the address that has the most connections in their
 * handshake when there are too many. libp2p's own bound turns away whoever comes next, so that some hundreds
 * of sockets that say nothing keep all newcomers out.
 */
export function boundUpgrader<Full extends Inbound>(upgrader: Full, backlog: Backlog): Full {
  const upgradeInbound: Upgrader['upgradeInbound'] = async (connection, options) => {
    const cut = () => connection.abort(new Error('too many connections in their handshake'))
    const leave = backlog.enter(networkOfConnection(connection) ?? '', cut)
    try {
      await upgrader.upgradeInbound(connection, options)
    } finally {
      leave()
    }
  }
  return Object.assign(Object.create(upgrader), { upgradeInbound })
}

/** A transport whose listeners use such an upgrader. */
export function boundTransport<Needs>(
  create: (needs: Needs) => Transport,
  backlog: Backlog,
): (needs: Needs) => Transport {
  return (needs) => {
    const transport = create(needs)
    const createListener = transport.createListener.bind(transport)
    transport.createListener = (options) =>
      createListener({ ...options, upgrader: boundUpgrader(options.upgrader, backlog) })
    return transport
  }
}
