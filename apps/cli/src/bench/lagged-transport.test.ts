import { createSystemClock } from '@layerswarm/peer'
import type {
  HeldActivation,
  Message,
  PeerId,
  RequestId,
  TensorHash,
  Transport,
} from '@layerswarm/swarm'
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
  const told: number[] = []
  const pushed: number[] = []
  const pulls: { atMs: number; cancelled: boolean }[] = []
  const near: Transport = {
    self: 'me' as PeerId,
    sign: () => {},
    verify: () => {},
    listen: () => () => {},
    enter: () => {},
    countLanes: (counted) => counted(undefined),
    publish: () => void said.push(nowMs()),
    tell: () => void told.push(nowMs()),
    push: () => void pushed.push(nowMs()),
    reaches: () => true,
    neighbours: () => [],
    rttMs: (peer) => (peer === 'near' ? 3 : undefined),
    accessSpeed: () => ({ upload: 7, download: undefined }),
    ban: () => {},
    offer: () => {},
    withdraw: () => {},
    pull(_, _isAwaited, pulled) {
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
  return { said, told, pushed, pulls, lag, transport }
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
    transport.pull(HELD, false, (bytes) => got.push(bytes?.length ?? 0))
    vi.advanceTimersByTime(99)
    expect(got).toEqual([])
    vi.advanceTimersByTime(2)
    expect(got).toEqual([1])
    expect(pulls).toEqual([{ atMs: 100, cancelled: false }])
  })

  test('tells and pushes one way later', () => {
    const { told, pushed, transport } = distant(50)
    transport.tell(DONE, 'near' as PeerId)
    transport.push('ab' as TensorHash, 'near' as PeerId)
    vi.advanceTimersByTime(100)
    expect([told, pushed]).toEqual([[50], [50]])
  })

  test('an awaited pull takes no way of its own: its tensor was late when it was pushed', () => {
    const { pulls, transport } = distant(50)
    transport.pull(HELD, true, () => {})
    expect(pulls).toEqual([{ atMs: 0, cancelled: false }])
  })

  test('is two ways further from everybody, who it reaches all the same', () => {
    const { transport } = distant(50)
    expect(transport.rttMs('near' as PeerId)).toBe(103)
    expect(transport.rttMs('unknown' as PeerId)).toBeUndefined()
    expect(transport.reaches('near' as PeerId)).toBe(true)
    expect(transport.accessSpeed()).toEqual({ upload: 7, download: undefined })
  })

  test('a pull of an own tensor takes no way', () => {
    const { pulls, transport } = distant(50)
    transport.pull({ ...HELD, holder: transport.self }, false, () => {})
    vi.advanceTimersByTime(1)
    expect(pulls).toHaveLength(1)
  })

  test('a pull is cancelled on its way and after', () => {
    const { pulls, transport } = distant(50)
    transport.pull(HELD, false, () => {})()
    const cancel = transport.pull(HELD, false, () => {})
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
    shape: { layers: 64, tokens: 5, width: 8 },
    quietMs: 300,
    roundTripMs: [110, 115],
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
