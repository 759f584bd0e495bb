import { createSystemClock } from '@layerswarm/peer'
import type { HeldActivation, Message, PeerId, RequestId, Transport } from '@layerswarm/swarm'
import {
  SeededRandom,
  SimulatedNetwork,
  type TransportBench,
  transportAcceptance,
  VirtualClock,
} from '@layerswarm/swarm/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createLaggedTransport } from './lagged-transport.ts'

const DONE: Message = { kind: 'done', isPublic: false, request: '0'.repeat(32) as RequestId }
const HELD = {} as HeldActivation

function distant(lagMs: number) {
  const clock = createSystemClock()
  const startMs = clock.nowMs()
  const nowMs = () => Math.round(clock.nowMs() - startMs)
  const said: number[] = []
  const pulls: { atMs: number; cancelled: boolean }[] = []
  const near: Transport = {
    self: 'me' as PeerId,
    listen: () => () => {},
    publish: () => void said.push(nowMs()),
    ban: () => {},
    offer: () => {},
    withdraw: () => {},
    pull(_, pulled) {
      const pull = { atMs: nowMs(), cancelled: false }
      pulls.push(pull)
      pulled(Uint8Array.of(1))
      return () => {
        pull.cancelled = true
      }
    },
  }
  const lag = { ms: lagMs }
  const transport = createLaggedTransport(near, clock, () => lag.ms)
  return { said, pulls, lag, transport }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a lagged transport', () => {
  test('says everything one way later, as far as it is then', () => {
    const { said, lag, transport } = distant(50)
    transport.publish(DONE)
    lag.ms = 20
    transport.publish(DONE)
    vi.advanceTimersByTime(100)
    expect(said).toEqual([20, 50])
    expect(transport.self).toBe('me')
  })

  test('pulls after the question’s way and the answer’s', () => {
    const { pulls, transport } = distant(50)
    const got: number[] = []
    transport.pull(HELD, (bytes) => got.push(bytes?.length ?? 0))
    vi.advanceTimersByTime(99)
    expect(got).toEqual([])
    vi.advanceTimersByTime(2)
    expect(got).toEqual([1])
    expect(pulls).toEqual([{ atMs: 100, cancelled: false }])
  })

  test('a pull of an own tensor takes no way', () => {
    const { pulls, transport } = distant(50)
    transport.pull({ ...HELD, holder: transport.self }, () => {})
    vi.advanceTimersByTime(1)
    expect(pulls).toHaveLength(1)
  })

  test('a pull is cancelled on its way and after', () => {
    const { pulls, transport } = distant(50)
    transport.pull(HELD, () => {})()
    const cancel = transport.pull(HELD, () => {})
    vi.advanceTimersByTime(200)
    cancel()
    expect(pulls).toEqual([{ atMs: 100, cancelled: true }])
  })
})

async function openBench(): Promise<TransportBench> {
  const clock = new VirtualClock()
  const network = new SimulatedNetwork(clock, new SeededRandom(1))
  return {
    release: 'ab'.repeat(32),
    shape: { layers: 4, tokens: 5, width: 8 },
    quietMs: 300,
    settle: async (ms) => void clock.run(clock.nowMs() + ms),
    makeTransports: async (count) =>
      Array.from({ length: count }, (_, i) =>
        createLaggedTransport(network.join(`peer-${i}` as PeerId), clock, () => 50),
      ),
    end: async (peer) => network.kill(peer),
    close: async () => {},
  }
}

describe('a lagged transport is a transport: it', () => {
  for (const { name, run } of transportAcceptance(openBench)) test(name, run)
})
