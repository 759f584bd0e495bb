import { describe, expect, test } from 'vitest'
import {
  appliedText,
  bytesText,
  checkedText,
  doubtText,
  durationText,
  errorText,
  layersText,
  listText,
  missingText,
  othersText,
  peerText,
  percentText,
  routeText,
} from './wording.ts'

const plain = (text: string) => text.replaceAll('\u202f', ' ')

describe('wording', () => {
  test('what was checked of an answer counts the layers of all its orders', () => {
    const none = { layers: [], doubted: [] }
    expect(checkedText([none], 8)).toBe('No layer checked by other peers so far.')
    const checked = [
      { layers: [1, 5], doubted: [] },
      { layers: [5], doubted: [] },
    ]
    expect(checkedText(checked, 16)).toBe('3 of 16 layers checked by other peers so far.')
    expect(doubtText(checked)).toBeUndefined()
  })

  test('a doubted answer names the layers and says what to do', () => {
    const text = doubtText([
      { layers: [], doubted: [7, 2] },
      { layers: [], doubted: [2] },
    ])
    expect(text).toBe(
      'Doubted: a peer that ran layers 2 and 7 was found to give wrong results. Ask again.',
    )
  })

  test.each([
    [0, '0 %'],
    [0.001, '< 1 %'],
    [0.983, '98 %'],
    [0.9996, '> 99 %'],
    [1, '100 %'],
    [Number.NaN, '– %'],
  ])('a share of %d reads %s', (share, text) => {
    expect(plain(percentText(share))).toBe(text)
  })

  test.each([
    [0.416, '0.42 ms'],
    [3.14, '3.1 ms'],
    [85.4, '85 ms'],
    [1280, '1.3 s'],
  ])('%d milliseconds read %s', (ms, text) => {
    expect(plain(durationText(ms))).toBe(text)
  })

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1234, '1.2 kB'],
    [45_600, '46 kB'],
    [3_400_000, '3.4 MB'],
  ])('%d bytes read %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text)
  })

  test('lists end with and', () => {
    expect(listText([])).toBe('')
    expect(layersText([2])).toBe('layer 2')
    expect(layersText([2, 5])).toBe('layers 2 and 5')
    expect(layersText([2, 5, 7])).toBe('layers 2, 5 and 7')
  })

  test('missing layers are named, and a whole answer says nothing', () => {
    expect(missingText([])).toBeUndefined()
    expect(missingText([3, 5])).toBe('Answered without layers 3 and 5.')
    expect(appliedText(6, 8)).toBe('6 of 8 layers')
  })

  test('a route is its layers in the order of their hops', () => {
    expect(routeText([{ layer: 3 }, { layer: 0 }, { layer: 7 }])).toBe('3 → 0 → 7')
  })

  test('only peers with which work can be exchanged are connected', () => {
    expect(othersText([])).toBe('0')
    expect(othersText([{ connection: 'direct' }, { connection: 'direct' }])).toBe('2')
    const some = ['direct', 'relayed', 'none'] as const
    expect(othersText(some.map((connection) => ({ connection })))).toBe('1 of 3 connected')
  })

  test('peers are told apart by the end of their id', () => {
    expect(peerText('12D3KooWAbcdefGH')).toBe('cdefGH')
  })

  test('any thrown value becomes one line', () => {
    expect(errorText(new Error('no providers\n    at x'))).toBe('no providers')
    expect(errorText(new Error(''))).toMatch(/failed/)
    expect(errorText('plain')).toBe('plain')
    expect(errorText(new Error('x'.repeat(5000)))).toBe(`${'x'.repeat(600)}…`)
    // Cut after a word.
    expect(errorText(`${'words '.repeat(99)}wor and more than is shown`)).toBe(
      `${'words '.repeat(99)}wor…`,
    )
    expect(errorText(`${'words '.repeat(99)}longer than is shown`)).toBe(
      `${'words '.repeat(99).trim()}…`,
    )
  })
})
