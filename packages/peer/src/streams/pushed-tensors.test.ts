import { ACTIVATION_BYTES_MAX, PUSHED_TENSORS_MAX, type TensorHash } from '@layerswarm/swarm'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  PUSHED_TENSOR_TTL_MS,
  TENSOR_STREAMS_PER_PEER_MAX,
  TENSORS_HELD_BYTES_MAX,
} from '../limits.ts'
import { type Arrival, PushedTensors } from './pushed-tensors.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const name = (text: string) => text as TensorHash

function push(pushed: PushedTensors, peer: string, hash: string, size = 10): boolean {
  const arrival = pushed.expect(peer, size, () => {})
  if (!arrival.add(new Uint8Array(size))) return false
  arrival.whole()
  arrival.keep(name(hash))
  return true
}

interface Move {
  readonly kind: 'expect' | 'come' | 'take' | 'shrink'
  readonly peer: number
  readonly number: number
  readonly size: number
}

const anyMove: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom('expect', 'come', 'come', 'come', 'take', 'shrink'),
  peer: fc.nat(3),
  number: fc.nat(20),
  size: fc.integer({ min: 1, max: 100 }),
})

/** An activation of ViT-B in float16. */
const VIT_B_BYTES = 302 * 1024
/** Of a frame of yamux, about. */
const PIECE_BYTES = 64 * 1024

/** A tensor that comes in pieces, one for each call of `step`. */
class Coming {
  left: number
  wasDisplaced = false
  private readonly hash: TensorHash
  private readonly arrival: Arrival

  constructor(pushed: PushedTensors, peer: string, hash: string, size = VIT_B_BYTES) {
    this.left = size
    this.hash = name(hash)
    this.arrival = pushed.expect(peer, size, () => {
      this.wasDisplaced = true
    })
  }

  /** @returns whether there was room. */
  step(bytes = PIECE_BYTES): boolean {
    const piece = new Uint8Array(Math.min(bytes, this.left))
    if (!this.arrival.add(piece)) return false
    this.left -= piece.length
    if (this.left > 0) return true
    this.arrival.whole()
    this.arrival.keep(this.hash)
    return true
  }
}

describe('tensors that were pushed', () => {
  test('are taken once, and only in the size that is asked for', () => {
    const pushed = new PushedTensors(() => 100)
    push(pushed, 'anna', 'a')
    expect(pushed.take(name('a'), 9)).toBeUndefined()
    expect(pushed.take(name('a'), 10)).toHaveLength(10)
    expect(pushed.take(name('a'), 10)).toBeUndefined()
    expect(pushed.bytes).toBe(0)
  })

  test('go to whoever waits for them, and are not kept then', () => {
    const pushed = new PushedTensors(() => 100)
    const got: string[] = []
    pushed.wait(name('a'), 10, () => got.push('first'))
    pushed.wait(name('a'), 11, () => got.push('of another size'))
    pushed.wait(name('a'), 10, () => got.push('given up'))()
    push(pushed, 'anna', 'a')
    expect(got).toEqual(['first'])
    expect(pushed.bytes).toBe(0)
  })

  test('take no room before they come, and what has come of them gives its room back', () => {
    const pushed = new PushedTensors(() => 25)
    const arrival = pushed.expect('anna', 20, () => {})
    expect(pushed.bytes).toBe(0)
    expect(arrival.add(new Uint8Array(12))).toBe(true)
    expect(pushed.bytes).toBe(12)
    expect(() => arrival.whole()).toThrow()
    arrival.drop()
    arrival.drop()
    expect(arrival.add(new Uint8Array(1))).toBe(false)
    expect(pushed.bytes).toBe(0)
    expect(push(pushed, 'ben', 'b')).toBe(true)
  })

  test('hold at most twice what has come of them, however small the pieces, and never more than their size', () => {
    const pushed = new PushedTensors(() => 1e9)
    const arrival = pushed.expect('anna', 1000, () => {})
    for (let came = 1; came <= 1000; came++) {
      arrival.add(Uint8Array.of(came))
      expect(pushed.bytes).toBeLessThanOrEqual(Math.min(1000, 2 * came))
    }
    expect(Array.from(arrival.whole())).toEqual(
      Array.from({ length: 1000 }, (_, at) => (at + 1) % 256),
    )
    expect(arrival.add(Uint8Array.of(1))).toBe(false)
    expect(pushed.bytes).toBe(0)
  })

  test('make room: who has most of them loses its oldest', () => {
    const pushed = new PushedTensors(() => 40)
    push(pushed, 'honest', 'h')
    for (const hash of ['f1', 'f2', 'f3', 'f4', 'f5']) push(pushed, 'flood', hash)
    const left = ['h', 'f1', 'f2', 'f3', 'f4', 'f5'].filter((hash) => pushed.take(name(hash), 10))
    expect(left).toEqual(['h', 'f3', 'f4', 'f5'])
  })

  test('make no room for what is only announced, nor for a few large ones that outweigh many', () => {
    const pushed = new PushedTensors(() => 100)
    for (const hash of ['h1', 'h2', 'h3']) push(pushed, 'honest', hash)
    const announced = Array.from({ length: 8 }, (_, i) => new Coming(pushed, 'flood', `a${i}`, 90))
    expect(pushed.bytes).toBe(30)
    for (const coming of announced) coming.step(60)
    for (const hash of ['f1', 'f2', 'f3']) push(pushed, 'flood', hash, 35)
    const left = ['h1', 'h2', 'h3'].filter((hash) => pushed.take(name(hash), 10))
    expect(left).toEqual(['h1', 'h2', 'h3'])
  })

  test('take the place of what its peer, who has most, has brought nothing to for longest', () => {
    const pushed = new PushedTensors(() => 100)
    const [silent, brisk] = [
      new Coming(pushed, 'flood', 's', 60),
      new Coming(pushed, 'flood', 'b', 60),
    ]
    silent.step(40)
    brisk.step(30)
    const slow = new Coming(pushed, 'slow', 'p', 50)
    slow.step(20)
    brisk.step(1)
    expect([silent, brisk, slow].map(({ wasDisplaced }) => wasDisplaced)).toEqual([
      true,
      false,
      false,
    ])
    expect(silent.step(1)).toBe(false)
    for (let i = 0; i < 30; i++) expect(slow.step(1)).toBe(true)
    expect(pushed.take(name('p'), 50)).toHaveLength(50)
  })

  test('find no room where all others have less', () => {
    const pushed = new PushedTensors(() => 100)
    for (const peer of ['a', 'b', 'c', 'd']) push(pushed, peer, peer, 24)
    expect(push(pushed, 'large', 'l', 30)).toBe(false)
    expect(push(pushed, 'fair', 'f', 24)).toBe(true)
    expect(pushed.bytes).toBe(96)
  })

  test('that are being checked stay until they are, and others before them make room', () => {
    const pushed = new PushedTensors(() => room)
    let room = 100
    const checked = pushed.expect('anna', 60, () => {})
    checked.add(new Uint8Array(60))
    checked.whole()
    push(pushed, 'ben', 'b', 30)
    room = 70
    pushed.shrink()
    expect(pushed.take(name('b'), 30)).toBeUndefined()
    room = 50
    pushed.shrink()
    expect(pushed.bytes).toBe(60)
    checked.keep(name('a'))
    expect(pushed.bytes).toBe(0)
  })

  test('that are kept stay those of who brought them first', () => {
    const pushed = new PushedTensors(() => 40)
    push(pushed, 'honest', 'h')
    for (const hash of ['h', 'f1', 'f2', 'f3', 'f4', 'f5']) push(pushed, 'flood', hash)
    expect(pushed.take(name('h'), 10)).toHaveLength(10)
  })

  test('of sixteen peers with all their streams get through beside others that stall or trickle', () => {
    const pushed = new PushedTensors(() => TENSORS_HELD_BYTES_MAX)
    const hostile = Array.from({ length: 2 * TENSOR_STREAMS_PER_PEER_MAX }, (_, i) => {
      const coming = new Coming(pushed, `hostile ${i % 2}`, `hostile ${i}`, ACTIVATION_BYTES_MAX)
      coming.step(ACTIVATION_BYTES_MAX - 1000)
      return coming
    })
    expect(pushed.bytes).toBeGreaterThan(0.99 * TENSORS_HELD_BYTES_MAX)
    let arrived = 0
    const honest = Array.from({ length: 16 * TENSOR_STREAMS_PER_PEER_MAX }, (_, i) => {
      pushed.wait(name(`${i}`), VIT_B_BYTES, () => arrived++)
      return new Coming(pushed, `peer ${i % 16}`, `${i}`)
    })
    for (let turn = 0; turn * PIECE_BYTES < VIT_B_BYTES; turn++) {
      for (const coming of honest) expect(coming.step()).toBe(true)
      for (const coming of hostile) coming.step(1)
      expect(pushed.bytes).toBeLessThanOrEqual(TENSORS_HELD_BYTES_MAX)
    }
    expect(arrived).toBe(honest.length)
  })

  test('of a phone come whole while twenty others hold all that they can', () => {
    const pushed = new PushedTensors(() => TENSORS_HELD_BYTES_MAX)
    const phone = new Coming(pushed, 'phone', 'p')
    let number = 0
    while (phone.left > 0) {
      // 1 Mbit/s, and meanwhile 600 Mbit/s from twenty others.
      expect(phone.step(12_500)).toBe(true)
      for (let i = 0; i < 20; i++) {
        const coming = new Coming(pushed, `other ${i}`, `${number++}`, ACTIVATION_BYTES_MAX)
        coming.step(400_000)
      }
      expect(pushed.bytes).toBeLessThanOrEqual(TENSORS_HELD_BYTES_MAX)
    }
    expect(pushed.take(name('p'), VIT_B_BYTES)).toHaveLength(VIT_B_BYTES)
  })

  test('never take more than there is room for, whatever happens to them', () => {
    fc.assert(
      fc.property(fc.array(anyMove, { maxLength: 200 }), (moves) => {
        let room = 100
        const pushed = new PushedTensors(() => room)
        const coming: Coming[] = []
        const make = {
          expect: ({ peer, number, size }: Move) =>
            coming.push(new Coming(pushed, `${peer}`, `${number}`, size)),
          come: ({ number, size }: Move) => coming[number % coming.length]?.step(size),
          take: ({ number, size }: Move) => pushed.take(name(`${number}`), size),
          shrink: ({ size }: Move) => {
            room = size
            pushed.shrink()
          },
        }
        for (const move of moves) {
          make[move.kind](move)
          expect(pushed.bytes).toBeLessThanOrEqual(room)
        }
        pushed.clear()
      }),
    )
  })

  test('of one more peer, who has none, displace one of a peer with several where so many are kept', () => {
    const pushed = new PushedTensors(() => 1e9)
    for (let i = 0; i < PUSHED_TENSORS_MAX - 1; i++) push(pushed, `${i}`, `${i}`, 1)
    push(pushed, 'flood', 'f1', 1)
    push(pushed, 'flood', 'f2', 1)
    expect(pushed.take(name('f1'), 1)).toBeUndefined()
    expect(pushed.take(name('0'), 1)).toBeDefined()
  })

  test('are at most so many, however small', () => {
    const pushed = new PushedTensors(() => 1e9)
    for (let i = 0; i < PUSHED_TENSORS_MAX + 10; i++) push(pushed, 'anna', `${i}`, 1)
    expect(pushed.bytes).toBe(PUSHED_TENSORS_MAX)
    expect(pushed.take(name('9'), 1)).toBeUndefined()
    expect(pushed.take(name('10'), 1)).toBeDefined()
  })

  test('are dropped when nobody takes them in time, and leave no timer', () => {
    const pushed = new PushedTensors(() => 100)
    push(pushed, 'anna', 'a')
    vi.advanceTimersByTime(PUSHED_TENSOR_TTL_MS / 2)
    push(pushed, 'anna', 'b')
    vi.advanceTimersByTime(PUSHED_TENSOR_TTL_MS / 2 + 1)
    expect(pushed.take(name('a'), 10)).toBeUndefined()
    expect(pushed.bytes).toBe(10)
    pushed.clear()
    expect(vi.getTimerCount()).toBe(0)
  })
})
