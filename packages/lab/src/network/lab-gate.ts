import { createGate, type Gate } from '@layerswarm/swarm'
import { SIMULATED_RELEASE } from '@layerswarm/swarm/testing'
import type { Settings } from '../scenarios/settings.ts'

/** The rules by which one member judges what it hears: production's, at the rates of this world. */
export function labGate(settings: Settings): Gate {
  return createGate({
    release: SIMULATED_RELEASE,
    laneRate: {
      perSecond: settings['gossip.quotaPerSecond'],
      burst: settings['gossip.quotaBurst'],
    },
    presenceRate: {
      perSecond: settings['gossip.presencePerSecond'],
      burst: settings['gossip.presenceBurst'],
    },
    banMs: settings['gossip.banMs'],
  })
}
