import { describe, expect, test } from 'vitest'
import { parsePreprocessing, resizeOf } from './preprocessing.ts'

const plain = { size: 8, channels: 1, mean: [0.5], std: [0.25], foreground: 'light' } as const
const stretch = { mode: 'stretch', height: 9, width: 7, filter: 'bicubic' } as const

describe('a preprocessing', () => {
  test('of an old release reads as it was written, and is a letterbox by area on its ground', () => {
    expect(parsePreprocessing(plain)).toEqual(plain)
    expect(Object.keys(parsePreprocessing(plain))).not.toContain('resize')
    expect(resizeOf(plain)).toEqual({ mode: 'letterbox', fill: 'black', filter: 'area' })
    expect(resizeOf({ foreground: 'any' })).toMatchObject({ fill: 'mean' })
  })

  test.each([
    stretch,
    { mode: 'none' },
    { mode: 'shortest-edge', edge: 9, filter: 'lanczos' },
    { mode: 'letterbox', fill: 'white', filter: 'bilinear' },
  ] as const)('keeps its resize %j', (resize) => {
    expect(parsePreprocessing({ ...plain, resize, rescale: 1 / 127.5 })).toEqual({
      ...plain,
      resize,
      rescale: 1 / 127.5,
    })
  })

  test('has means as large as white is', () => {
    const bytes = { ...plain, rescale: 1, mean: [127.5], std: [127.5] }
    expect(parsePreprocessing(bytes)).toEqual(bytes)
    expect(() => parsePreprocessing({ ...plain, mean: [127.5] })).toThrow('preprocessing.mean')
  })

  test.each([
    ['resize', { resize: 4 }],
    ['resize.mode', { resize: { mode: 'zoom' } }],
    ['resize.filter', { resize: { ...stretch, filter: 'sinc' } }],
    ['resize.width', { resize: { ...stretch, width: 1e9 } }],
    ['resize.edge', { resize: { mode: 'shortest-edge', edge: 0.5, filter: 'box' } }],
    ['resize.fill', { resize: { mode: 'letterbox', fill: 'pink', filter: 'box' } }],
    ['resize.edge', { resize: { ...stretch, edge: 4 } }],
    ['rescale', { rescale: -1 }],
    ['foreground', { foreground: 'bright' }],
    ['gamma', { gamma: 2 }],
  ])('that is wrong is refused by the field %s', (field, wrong) => {
    expect(() => parsePreprocessing({ ...plain, ...wrong })).toThrow(`"preprocessing.${field}"`)
  })
})
