import type { Libp2p, PeerId } from '@libp2p/interface'
import { DEPARTED_SWEEP_INTERVAL_MS } from '../limits.ts'

/** What of a node knows about others. */
type Knowing = Pick<
  Libp2p,
  'peerStore' | 'getConnections' | 'addEventListener' | 'removeEventListener'
>

/**
 * Forgets peers that have left. libp2p remembers what it has heard of everybody, keys, addresses and
 * protocols, until the process ends; where a peer can be reached is said again in its presence. One that has
 * left is forgotten at the second look: libp2p may write down what it said after its connection has closed.
 * @returns ends it.
 */
export function forgetDeparted(
  node: Knowing,
  intervalMs: number = DEPARTED_SWEEP_INTERVAL_MS,
): () => void {
  let [recent, earlier] = [new Map<string, PeerId>(), new Map<string, PeerId>()]
  const left = ({ detail }: CustomEvent<PeerId>) => void recent.set(detail.toString(), detail)
  const timer = setInterval(() => {
    for (const [name, peer] of earlier) {
      if (recent.has(name) || node.getConnections(peer).length > 0) continue
      node.peerStore.delete(peer).catch(() => undefined)
    }
    ;[recent, earlier] = [new Map(), recent]
  }, intervalMs)
  node.addEventListener('peer:disconnect', left)
  return () => {
    clearInterval(timer)
    node.removeEventListener('peer:disconnect', left)
  }
}
