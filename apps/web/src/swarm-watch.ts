import { LAYERS_MAX, SWARM_PEERS_MAX, SWARM_VIEW_BYTES_MAX, SWARM_WATCH_MS } from './limits.ts'
import type { SwarmSeen } from './logic/swarm-seen.ts'
import { fetchDocument, fieldOf } from './release.ts'

/**
 * Looks at the swarm through its server, until it is stopped: read-only, for as long as this tab has not joined
 * and somebody looks at it.
 * @param show told what the server says; undefined while it says nothing.
 */
export function watchSwarm(
  server: URL,
  isWanted: () => boolean,
  show: (seen: SwarmSeen | undefined) => void,
): void {
  async function look() {
    if (isWanted() && document.visibilityState === 'visible') {
      const view = await fetchDocument(server, 'swarm.json', SWARM_VIEW_BYTES_MAX).catch(
        () => undefined,
      )
      show(parseSwarm(view))
    }
    setTimeout(() => void look(), SWARM_WATCH_MS)
  }
  void look()
}

/** The first release of /swarm.json; undefined for anything else. */
export function parseSwarm(view: unknown): SwarmSeen | undefined {
  const releases = fieldOf(view, 'releases')
  const [release] = Array.isArray(releases) ? releases : []
  const hosts = numbersOf(fieldOf(release, 'hosts'))
  const peers = fieldOf(release, 'peers')
  if (hosts.length === 0 || !Array.isArray(peers)) return undefined
  return {
    coverage: hosts,
    providers: countOf(fieldOf(release, 'providers')),
    peers: peers.slice(0, SWARM_PEERS_MAX).flatMap((peer: unknown) => {
      const [id, backend] = [fieldOf(peer, 'id'), fieldOf(peer, 'backend')]
      if (typeof id !== 'string' || typeof backend !== 'string') return []
      return [{ id, backend, layers: numbersOf(fieldOf(peer, 'layers')) }]
    }),
  }
}

function numbersOf(value: unknown): number[] {
  const list: unknown[] = Array.isArray(value) ? value.slice(0, LAYERS_MAX) : []
  return list.map(countOf)
}

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}
