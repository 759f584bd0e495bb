import type { PeerId } from '@layerswarm/swarm'
import {
  SIMULATED_RELEASE,
  type TransportBench,
  transportAcceptance,
  VirtualClock,
} from '@layerswarm/swarm/testing'
import { describe, test } from 'vitest'
import { peerName, type Session } from '../scenarios/population.ts'
import { changeSettings, SETTINGS_DEFAULT, shapeOf } from '../scenarios/settings.ts'
import { LabNetwork } from './gossip.ts'
import { Trace } from './trace.ts'

/** Links that lose nothing: the suite asks that what is said arrives. */
const LOSSLESS = {
  'model.layers': 64,
  'model.tokens': 5,
  'model.width': 8,
  'links.loss': 0,
  'links.duplicate': 0,
  'links.natShare': 0,
  'links.dialMs': 10,
} as Record<string, number>

function guest(index: number): Session {
  return {
    index,
    peer: peerName(index),
    actor: 'honest',
    joinMs: 0,
    found: true,
    leaveMs: Number.POSITIVE_INFINITY,
    departure: 'goodbye',
    freezesMs: [],
    deviceLossesMs: [],
    slowness: 1,
    up: 1_000_000,
    down: 1_000_000,
    messageMs: 0,
    far: false,
  }
}

async function openBench(): Promise<TransportBench> {
  const clock = new VirtualClock()
  const settings = changeSettings(SETTINGS_DEFAULT, LOSSLESS)
  const tap = { published: () => {}, pullAsked: () => {} }
  const network = new LabNetwork(clock, settings, 1, new Trace(), tap)
  const settle = async (ms: number) => void clock.run(clock.nowMs() + ms)
  return {
    release: SIMULATED_RELEASE,
    shape: shapeOf(settings),
    quietMs: 8_000,
    roundTripMs: [10, 2_000],
    settle,
    async makeTransports(count) {
      const transports = Array.from({ length: count }, (_, index) =>
        network.join(guest(index), true, () => {}),
      )
      await settle(1_000)
      return transports
    },
    end: async (peer: PeerId) => network.leave(peer, 10),
    close: async () => {},
  }
}

describe('the lab’s network is a transport: it', () => {
  for (const { name, run } of transportAcceptance(openBench)) test(name, run)
})
