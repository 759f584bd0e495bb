import { directHandOver } from '../claims/direct.ts'
import { Jobs } from '../jobs.ts'
import { neighbourOf } from '../presence/near.ts'
import { Neighbourhood } from '../presence/neighbourhood.ts'
import { PeerTable } from '../presence/peer-table.ts'
import { Ways } from '../presence/ways.ts'
import type { ProviderOptions } from '../provider/options.ts'
import { Provider } from '../provider/provider.ts'
import type { PeerId } from '../wire/messages.ts'
import { anyPresence } from './any-presence.ts'

/**
 * A provider of layer 1 of four, or of others, without a swarm around it: it reaches these peers, 20 ms away
 * each, and knows them as hosts of layers 2 and 3.
 */
export function loneProvider(
  self: PeerId,
  reached: readonly PeerId[],
  given: Partial<ProviderOptions> = {},
  hosted: readonly number[] = [1],
): Provider {
  const table = new PeerTable('')
  const neighbourhood = new Neighbourhood(self, {
    reaches: (peer) => reached.includes(peer),
    rttMs: (peer) => (reached.includes(peer) ? 20 : undefined),
  })
  for (const peer of reached) {
    const presence = anyPresence({ layers: [2, 3], near: [neighbourOf(self, 20, true)] })
    table.hear(peer, presence, 0)
    neighbourhood.hear(peer, presence)
  }
  const options = {
    self,
    shape: { layers: 4, tokens: 5, width: 8 },
    backend: 'reference' as const,
    policy: directHandOver('few'),
    slots: 8,
    timeShare: 1,
    staggerMs: 40,
    accessSpeed: () => ({ upload: undefined, download: undefined }),
    ...given,
  }
  const ways = new Ways(options, table, neighbourhood)
  return new Provider(
    options,
    { table, neighbourhood, ways },
    new Set(hosted),
    new Jobs().of('provider'),
  )
}
