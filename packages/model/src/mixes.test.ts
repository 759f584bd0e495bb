import { describe, expect, test } from 'vitest'
import { sha256 } from './hash.ts'
import { parseMixes } from './mixes.ts'
import { utf8Encode } from './text.ts'

const release = sha256(utf8Encode('other'))
const mix = { release, accuracy: 0.91, own: 0.915, other: 0.907 }

describe('the releases that a release mixes with', () => {
  test('are read as they were written', () => {
    expect(parseMixes([{ ...mix }])).toEqual([mix])
  })

  test.each([
    ['mixes', {}],
    ['mixes', []],
    ['mixes.0', ['other']],
    ['mixes.0', [{ ...mix, name: 'other' }]],
    ['mixes.0.release', [{ ...mix, release: 'other' }]],
    ['mixes.0.accuracy', [{ ...mix, accuracy: 91 }]],
    ['mixes.0.other', [{ ...mix, other: undefined }]],
    ['mixes.1.release', [mix, mix]],
  ])('are refused by the name of their field, %s', (field, value) => {
    expect(() => parseMixes(value)).toThrow(`manifest: "${field}"`)
  })
})
