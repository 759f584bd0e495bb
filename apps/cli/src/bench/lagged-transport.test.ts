import { createSystemClock } from '@layerswarm/peer'
import type {
  HeldActivation,
  Message,
  PeerId,
  RequestId,
  TensorHash,
  Transport,
  TransportEvents,
} from '@layerswarm/swarm'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createLaggedTransport } from './lagged-transport.ts'

const DONE: Message = { kind: 'done', request: '0'.repeat(32) as RequestId }
const HELD = {} as HeldActivation

function distant(lagMs: number) {
  const clock = createSystemClock()
  const startMs = clock.nowMs()
  const nowMs = () => Math.round(clock.nowMs() - startMs)
  const said: number[] = []
  const pulls: { atMs: number; cancelled: boolean }[] = []
  let events: TransportEvents | undefined
  const near: Transport = {
    self: 'me' as PeerId,
    listen(given) {
      events = given
      return () => {}
    },
    publish: () => void said.push(nowMs()),
    push: () => void said.push(nowMs()),
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
  return { said, pulls, lag, transport, hand: (hash: TensorHash) => events?.tensorHanded?.(hash) }
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
    transport.push?.('h' as TensorHash, 'you' as PeerId)
    vi.advanceTimersByTime(100)
    expect(said).toEqual([20, 50, 120])
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

  test('a pull ends when the tensor was sent here, before or after', () => {
    const { pulls, transport, hand } = distant(50)
    const handed: TensorHash[] = []
    transport.listen({
      messageArrived: () => {},
      peerDisconnected: () => {},
      tensorHanded: (hash) => handed.push(hash),
    })
    const tensor = (hash: string) => ({ ...HELD, hash: hash as TensorHash })
    hand('a' as TensorHash)
    transport.pull(tensor('a'), () => {})
    vi.advanceTimersByTime(1)
    expect(pulls).toHaveLength(1)
    transport.pull(tensor('b'), () => {})
    vi.advanceTimersByTime(20)
    hand('b' as TensorHash)
    expect(pulls).toHaveLength(2)
    vi.advanceTimersByTime(200)
    expect(pulls).toHaveLength(2)
    expect(handed).toEqual(['a', 'b'])
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
