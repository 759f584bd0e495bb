import { directHandOver } from '../claims/direct.ts'
import { Jobs } from '../jobs.ts'
import { neighbourOf } from '../presence/near.ts'
import type { ProviderOptions } from '../provider/options.ts'
import { Provider } from '../provider/provider.ts'
import type { PeerId } from '../wire/messages.ts'
import { anyPresence } from './any-presence.ts'
import { loneView } from './lone-view.ts'

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
  const view = loneView(self, reached, 20, options.accessSpeed())
  for (const peer of reached) {
    const presence = anyPresence({ layers: [2, 3], near: [neighbourOf(self, 20, true)] })
    view.table.hear(peer, presence, 0)
    view.neighbourhood.hear(peer, presence)
  }
  return new Provider(options, view, new Set(hosted), new Jobs().of('provider'))
}
