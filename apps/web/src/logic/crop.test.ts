import { describe, expect, test } from 'vitest'
import { croppedPixels, middleSquare, resizedSquare, squareWithin } from './crop.ts'

const PHOTO = { width: 400, height: 300 }

describe('a square of a picture', () => {
  test('is at first as large as it can be, in the middle', () => {
    expect(middleSquare(PHOTO)).toEqual({ left: 50, top: 0, side: 300 })
    expect(middleSquare({ width: 3, height: 8 })).toEqual({ left: 0, top: 2, side: 3 })
  })

  test('never leaves the picture', () => {
    expect(squareWithin({ left: 390, top: -20, side: 100 }, PHOTO)).toEqual({
      left: 300,
      top: 0,
      side: 100,
    })
    expect(squareWithin({ left: 0, top: 0, side: 1_000 }, PHOTO).side).toBe(300)
    expect(squareWithin({ left: 0, top: 0, side: 1 }, PHOTO).side).toBe(8)
    expect(squareWithin({ left: 0, top: 0, side: 9 }, { width: 4, height: 4 }).side).toBe(4)
  })

  test('keeps its middle when it grows or shrinks', () => {
    const square = { left: 100, top: 100, side: 100 }
    expect(resizedSquare(square, 50, PHOTO)).toEqual({ left: 125, top: 125, side: 50 })
    expect(resizedSquare(square, 200, PHOTO)).toEqual({ left: 50, top: 50, side: 200 })
  })

  test('holds the pixels that lie in it', () => {
    // Red is the column, green the row.
    const data = new Uint8ClampedArray(4 * 5 * 4)
    for (let i = 0; i < 20; i++) data.set([i % 5, Math.floor(i / 5), 0, 255], 4 * i)
    const {
      width,
      height,
      data: seen,
    } = croppedPixels({ width: 5, height: 4, data }, { left: 2, top: 1, side: 2 })
    expect([width, height]).toEqual([2, 2])
    expect([...seen]).toEqual([2, 1, 0, 255, 3, 1, 0, 255, 2, 2, 0, 255, 3, 2, 0, 255])
  })
})
