import { PEERS_MAX } from '@layerswarm/swarm'
import type { Connection, PeerId as Libp2pPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { setMaxListeners } from 'main-event'
import { within } from '../deadline.ts'
import type { SwarmNode } from './libp2p-config.ts'
import type { Carrier, Reach } from './reach.ts'

/** A relay's circuit is limited in bytes and time: it introduces two tabs and carries nothing else. */
export function isDirect(connection: Connection): boolean {
  return connection.limits === undefined && connection.direct
}

/** Whether a connection carries data: neither closing nor closed. */
export function isOpen(connection: Connection): boolean {
  return connection.status === 'open'
}

/** The open direct connections to a peer: one, or two for as long as it takes to drop the older. */
export function directConnections(node: SwarmNode, peer: string): Connection[] {
  return connectionsOf(node, peer).filter(
    (connection) => isDirect(connection) && isOpen(connection),
  )
}

/** The newest open direct connection to a peer, if there is one. */
export function directConnection(node: SwarmNode, peer: string): Connection | undefined {
  return directConnections(node, peer).reduce<Connection | undefined>(
    (newest, one) =>
      newest === undefined || one.timeline.open >= newest.timeline.open ? one : newest,
    undefined,
  )
}

/**
 * All connections to a peer, relayed and closing ones included.
 * @throws Error when `peer` is no peer id.
 */
export function connectionsOf(node: SwarmNode, peer: string): Connection[] {
  return node.getConnections(idOf(peer))
}

/** Names read so far: every step and every tensor asks for the same few, and reading one takes 7 µs. */
const ids = new Map<string, Libp2pPeerId>()

/** @throws Error when `peer` is no peer id. */
function idOf(peer: string): Libp2pPeerId {
  const known = ids.get(peer)
  if (known !== undefined) return known
  const id = peerIdFromString(peer)
  if (ids.size >= PEERS_MAX) ids.clear()
  ids.set(peer, id)
  return id
}

/** How each connected peer is connected, by peer id. */
export function describeConnections(node: SwarmNode): Map<string, { reach: Reach; via: Carrier }> {
  const described = new Map<string, { reach: Reach; via: Carrier }>()
  for (const connection of node.getConnections()) {
    if (!isOpen(connection)) continue
    const peer = connection.remotePeer.toString()
    if (isDirect(connection)) described.set(peer, { reach: 'direct', via: carrierOf(connection) })
    else if (!described.has(peer)) described.set(peer, { reach: 'relayed', via: 'none' })
  }
  return described
}

function carrierOf(connection: Connection): Carrier {
  const address = connection.remoteAddr.toString()
  if (address.includes('/webrtc')) return 'webrtc'
  if (/\/wss?(\/|$)/.test(address)) return 'websocket'
  return address.includes('/tcp/') ? 'tcp' : 'none'
}

/** Closes all connections of a peer, by force when that takes longer than `timeoutMs`. */
export async function hangUp(node: SwarmNode, peer: string, timeoutMs: number): Promise<void> {
  const closing = connectionsOf(node, peer).map((connection) =>
    closeConnection(connection, timeoutMs),
  )
  await Promise.all(closing)
}

/**
 * Ends all connections of a peer at once: a polite close waits for what was sent to be read, and who floods reads
 * late.
 */
export function cutOff(node: SwarmNode, peer: string, why: string): void {
  for (const connection of connectionsOf(node, peer)) connection.abort(new Error(why))
}

/** Closes a connection politely; an unanswered close ends in an abort. Never rejects. */
export async function closeConnection(connection: Connection, timeoutMs: number): Promise<void> {
  try {
    await within(timeoutMs, undefined, (signal) => {
      // Every stream of a WebRTC connection follows it, and Node warns of a leak at eleven.
      setMaxListeners(Number.POSITIVE_INFINITY, signal)
      return connection.close({ signal })
    })
  } catch (error) {
    connection.abort(error instanceof Error ? error : new Error(String(error)))
  }
}
