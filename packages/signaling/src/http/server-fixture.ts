import { createBacklog } from '@layerswarm/swarm'
import { createCompressionCache } from './compression.ts'
import type { HttpServerNeeds } from './server.ts'
import { createGuessLimit, createSocketLimit } from './visitor.ts'

/** What a server needs that is ready, and has neither releases nor files. */
export function plainNeeds(): HttpServerNeeds {
  return {
    releases: () => undefined,
    upgrades: () => undefined,
    tls: undefined,
    trustsProxy: true,
    seats: createSocketLimit(),
    backlog: createBacklog(512),
    mayAsk: () => true,
    metricsFor: 'everybody',
    notReady: () => undefined,
    bootstrap: (isHere) => ({ protocol: 1, isHere }),
    metrics: async () => 'layerswarm_ready 1\n',
    swarm: () => ({ version: '1.2.3', releases: [] }),
    dashboard: { page: () => '<h1>Swarm of this server</h1>', style: 'h1 {}' },
    uploads: undefined,
    guesses: createGuessLimit(),
    offer: async () => {},
    pageDir: undefined,
    samplesDir: undefined,
    compression: createCompressionCache(),
  }
}
