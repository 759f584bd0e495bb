import {
  clockAcceptance,
  computeAcceptance,
  SeededRandom,
  symbolicStem,
  VirtualClock,
} from '@layerswarm/swarm/testing'
import { describe, test } from 'vitest'
import { LabCompute } from './lab-compute.ts'
import { PeerClock } from './peer-clock.ts'

function virtualTime() {
  const clock = new VirtualClock()
  return {
    clock,
    settle: async (ms: number) => void clock.run(clock.nowMs() + ms),
    close: async () => {},
  }
}

describe('a peer’s clock in the lab is a clock: it', () => {
  const openBench = async () => {
    const { clock, ...time } = virtualTime()
    return { ...time, otherNowMs: () => clock.nowMs(), clock: new PeerClock(clock) }
  }
  for (const { name, run } of clockAcceptance(openBench)) test(name, run)
})

describe('an honest compute of the lab is a compute: it', () => {
  const shape = [1, 5, 16] as const
  const openBench = async () => {
    const { clock, ...time } = virtualTime()
    const compute = new LabCompute(
      clock,
      new SeededRandom(1),
      { runs: 0, runMs: 0 },
      {
        layers: 8,
        layerMs: 20,
        sigma: 0.2,
        loadMs: 50,
        corruptShare: 0,
        lie: undefined,
        isRecount: () => false,
        dies: () => false,
      },
    )
    const input = (nonce: number) =>
      ({ dtype: 'float16', shape, bytes: symbolicStem(2 * 5 * 16, nonce) }) as const
    return { ...time, compute, layers: 8, nowMs: () => clock.nowMs(), input }
  }
  for (const { name, run } of computeAcceptance(openBench)) test(name, run)
})
