import { PUSHED_TENSORS_MAX, type TensorHash } from '@layerswarm/swarm'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PUSHED_TENSOR_TTL_MS } from '../limits.ts'
import { PushedTensors } from './pushed-tensors.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const name = (text: string) => text as TensorHash

function push(pushed: PushedTensors, peer: string, hash: string, size = 10): boolean {
  const arrival = pushed.expect(peer, size)
  arrival?.keep(name(hash), new Uint8Array(size))
  return arrival !== undefined
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

  test('count while they are on their way, and no more when they do not come', () => {
    const pushed = new PushedTensors(() => 25)
    const arrival = pushed.expect('anna', 20)
    expect(pushed.bytes).toBe(20)
    expect(pushed.expect('ben', 10)).toBeUndefined()
    arrival?.drop()
    arrival?.drop()
    expect(pushed.bytes).toBe(0)
    expect(push(pushed, 'ben', 'b')).toBe(true)
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
    const announced = Array.from({ length: 8 }, () => pushed.expect('flood', 20))
    expect(announced.filter((arrival) => arrival !== undefined)).toHaveLength(3)
    for (const arrival of announced) arrival?.drop()
    for (const hash of ['f1', 'f2', 'f3']) push(pushed, 'flood', hash, 35)
    const left = ['h1', 'h2', 'h3'].filter((hash) => pushed.take(name(hash), 10))
    expect(left).toEqual(['h1', 'h2', 'h3'])
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
