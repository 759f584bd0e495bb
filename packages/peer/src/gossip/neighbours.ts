import { PEERS_MAX, type PeerId } from '@layerswarm/swarm'
import type { SubscriptionChangeData } from '@libp2p/gossipsub'
import type { Connection, PeerId as Libp2pPeerId } from '@libp2p/interface'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { directConnection, isDirect } from '../node/peer-connections.ts'

/**
 * The members of a lane to whom there is a direct connection.
 *
 * 1. A member is who follows the lane's topic or has announced presence of its release, and has
 *    neither left the topic nor said that it leaves. Bootstrap nodes do neither.
 * 2. Both sets are kept by events, so that asking costs nothing: an author asks for every host of
 *    every tour. At most PEERS_MAX members are remembered.
 */
export interface Neighbours {
  /** From now on the members are those who follow this topic: another lane's. */
  enter(lane: string): void
  start(): void
  stop(): void
  /** A presence of the lane's release was heard. */
  announced(peer: string, isLeaving: boolean): void
  has(peer: string): boolean
  all(): readonly PeerId[]
}

/** Knows nobody before `start`. */
export function createNeighbours(node: SwarmNode, first: string): Neighbours {
  const { pubsub } = node.services
  const connected = new Set<string>()
  const members = new Set<string>()
  let lane = first

  function join(peer: string): void {
    members.delete(peer)
    members.add(peer)
    if (members.size <= PEERS_MAX) return
    const [oldest = peer] = members
    members.delete(oldest)
  }
  const subscribed = ({ detail }: CustomEvent<SubscriptionChangeData>) => {
    for (const { topic, subscribe } of detail.subscriptions) {
      if (topic !== lane) continue
      if (subscribe) join(detail.peerId.toString())
      else members.delete(detail.peerId.toString())
    }
  }
  const opened = ({ detail }: CustomEvent<Connection>) => note(detail)
  function note(connection: Connection): void {
    if (isDirect(connection)) connected.add(connection.remotePeer.toString())
  }
  const closed = ({ detail }: CustomEvent<{ remotePeer: Libp2pPeerId }>) => {
    const peer = detail.remotePeer.toString()
    if (directConnection(node, peer) === undefined) connected.delete(peer)
  }

  function meetMembers(): void {
    for (const peer of pubsub.getSubscribers(lane)) join(peer.toString())
  }

  return {
    enter(entered) {
      lane = entered
      members.clear()
      meetMembers()
    },
    start() {
      for (const connection of node.getConnections()) note(connection)
      meetMembers()
      node.addEventListener('connection:open', opened)
      node.addEventListener('connection:close', closed)
      pubsub.addEventListener('subscription-change', subscribed)
    },
    stop() {
      node.removeEventListener('connection:open', opened)
      node.removeEventListener('connection:close', closed)
      pubsub.removeEventListener('subscription-change', subscribed)
      connected.clear()
      members.clear()
    },
    announced(peer, isLeaving) {
      if (isLeaving) members.delete(peer)
      else join(peer)
    },
    has: (peer) => connected.has(peer) && members.has(peer),
    all: () => [...connected].filter((peer) => members.has(peer)) as PeerId[],
  }
}
