import type { Libp2p, PeerId } from '@libp2p/interface'

/**
 * Peers that have left. libp2p remembers what it has heard of everybody, keys, addresses and protocols, until
 * the process ends; a server meets new identities for months.
 */
export interface Departed {
  /** One has left. */
  add(peer: PeerId): void
  /**
   * Forgets those who had left by the last sweep and have not come back: libp2p may write down what a peer
   * said after its connection has closed.
   */
  sweep(): void
}

/** Nobody has left yet. */
export function createDeparted(node: Pick<Libp2p, 'peerStore' | 'getConnections'>): Departed {
  let [recent, earlier] = [new Map<string, PeerId>(), new Map<string, PeerId>()]
  return {
    add: (peer) => void recent.set(peer.toString(), peer),
    sweep() {
      for (const [name, peer] of earlier) {
        if (recent.has(name) || node.getConnections(peer).length > 0) continue
        // Of a store in memory; a peer of which it knows nothing is none of its errors.
        node.peerStore.delete(peer).catch(() => undefined)
      }
      ;[recent, earlier] = [new Map(), recent]
    },
  }
}
