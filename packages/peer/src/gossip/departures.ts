import type { Connection, PeerId as Libp2pPeerId } from '@libp2p/interface'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { directConnection, isDirect } from '../node/peer-connections.ts'

/**
 * Tells when a peer is gone.
 *
 * 1. The loss of the last direct connection to a peer is told once, however many connections close.
 * 2. A peer that was told gone on better evidence is not told gone again when its connection
 *    closes, unless it was heard in between: a page may say goodbye and come back.
 */
export interface Departures {
  start(): void
  stop(): void
  /** Tells that a peer is gone, on better evidence than a closed socket. */
  report(peer: string): void
  /** A peer has spoken, so it is there. */
  heard(peer: string): void
}

/** @param gone told the id of a peer that is gone. */
export function createDepartures(node: SwarmNode, gone: (peer: string) => void): Departures {
  const connected = new Set<string>()
  const reported = new Set<string>()

  const opened = ({ detail }: CustomEvent<Connection>) => note(detail)
  function note(connection: Connection): void {
    if (!isDirect(connection)) return
    connected.add(connection.remotePeer.toString())
    reported.delete(connection.remotePeer.toString())
  }

  const closed = ({ detail }: CustomEvent<{ remotePeer: Libp2pPeerId }>) => {
    const peer = detail.remotePeer.toString()
    if (directConnection(node, peer) !== undefined || !connected.delete(peer)) return
    if (!reported.delete(peer)) gone(peer)
  }

  return {
    start() {
      for (const connection of node.getConnections()) note(connection)
      node.addEventListener('connection:open', opened)
      node.addEventListener('connection:close', closed)
    },
    stop() {
      node.removeEventListener('connection:open', opened)
      node.removeEventListener('connection:close', closed)
    },
    report(peer) {
      if (connected.has(peer)) reported.add(peer)
      gone(peer)
    },
    heard: (peer) => void reported.delete(peer),
  }
}
