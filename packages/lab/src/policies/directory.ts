import type { PeerId } from '@layerswarm/swarm'
import type { Resident } from '../residents/resident.ts'
import type { Server } from './chain-route.ts'
import type { Scene } from './policy.ts'

/**
 * Whom the client of a chain knows: everybody whom it or a peer that it has a connection to has heard
 * of, the newest word for each. A chain looks its servers up in a directory and may reach them through
 * a relay, so that those count too to which the client itself has no direct path.
 */
export function directory({ residents }: Scene, asker: Resident): Server[] {
  const newest = new Map<PeerId, Server & { readonly ageMs: number }>()
  const hear = (resident: Resident | undefined) => {
    for (const { peer, layers, layerMs, ageMs } of resident?.member?.snapshot().peers ?? []) {
      const before = newest.get(peer)
      if (before === undefined || ageMs < before.ageMs)
        newest.set(peer, { peer, layers, layerMs, ageMs })
    }
  }
  hear(asker)
  for (const { to } of asker.transport.station.links) hear(residents.get(to.peer))
  return [...newest.values()].filter(({ layers }) => layers.length > 0)
}
