import { describe, expect, test } from 'vitest'
import { parseSamples, pickIndices } from './sample-set.ts'

/** An idx file of unsigned bytes. */
function idx(shape: number[], data: number[]): Uint8Array {
  const file = new Uint8Array(4 + 4 * shape.length + data.length)
  const view = new DataView(file.buffer)
  view.setUint8(2, 0x08)
  view.setUint8(3, shape.length)
  for (const [axis, size] of shape.entries()) view.setUint32(4 + 4 * axis, size)
  file.set(data, 4 + 4 * shape.length)
  return file
}

describe('sample set', () => {
  test('each image keeps its own pixels and class', () => {
    const samples = parseSamples(
      idx([2, 2, 3], [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]),
      idx([2], [7, 9]),
    )
    expect([samples.count, samples.height, samples.width]).toEqual([2, 2, 3])
    expect([...samples.gray(1)]).toEqual([11, 12, 13, 14, 15, 16])
    expect([samples.classOf(0), samples.classOf(1)]).toEqual([7, 9])
  })

  test('of the first images it knows how many there are', () => {
    const { count, total } = parseSamples(idx([1, 1, 1], [0]), idx([3], [0, 1, 2]))
    expect([count, total]).toEqual([1, 3])
  })

  test('files that do not belong together are refused', () => {
    expect(() => parseSamples(idx([2, 1, 1], [0, 1]), idx([1], [0]))).toThrow(
      'There are 2 sample images',
    )
    expect(() => parseSamples(idx([4], [0, 1, 2, 3]), idx([4], [0, 1, 2, 3]))).toThrow(
      'not a list of gray images',
    )
  })
})

describe('picking', () => {
  test('picked numbers are different and in range', () => {
    let state = 1
    const random = () => {
      state = (state * 48271) % 2147483647
      return state / 2147483647
    }
    const picked = pickIndices(100, 24, random)
    expect(new Set(picked).size).toBe(24)
    expect(Math.max(...picked)).toBeLessThan(100)
    expect(pickIndices(100, 24, random)).not.toEqual(picked)
  })

  test('a small set is given whole', () => {
    expect(pickIndices(3, 24, () => 0.999).toSorted()).toEqual([0, 1, 2])
    expect(pickIndices(0, 24, () => 0)).toEqual([])
  })
})
