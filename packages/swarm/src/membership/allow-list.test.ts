import { describe, expect, test } from 'vitest'
import { peerIdOfKey } from '../wire/peer-id.ts'
import { createAllowList, parseAllowList } from './allow-list.ts'

const KEY = new Uint8Array(32).fill(7)
const ANN = peerIdOfKey(KEY)
const BEN = peerIdOfKey(new Uint8Array(32).fill(8))

describe('the file of an allow-list', () => {
  test('names peers by id or by public key, with comments and empty lines between them', () => {
    const text = `# friends\r\n${ANN}  # Ann's laptop\r\n\n  ${'08'.repeat(32)}\n`
    expect(parseAllowList(text)).toEqual(new Set([ANN, BEN]))
  })

  test('may name nobody', () => {
    expect(parseAllowList('')).toEqual(new Set())
  })

  test.each([
    [`${ANN}\nann`, 'line 2 is "ann"'],
    [ANN.slice(0, -1), 'line 1'],
    [`${ANN.slice(0, -1)}0`, 'line 1'],
    ['07'.repeat(31), 'line 1'],
    [`${ANN} ${BEN}`, 'line 1'],
    ['x'.repeat(100_000), 'must be a peer id'],
  ])('with a line that is neither is refused by its number', (text, line) => {
    expect(() => parseAllowList(text)).toThrow(line)
    expect(() => parseAllowList(text)).toThrow(
      expect.objectContaining({ fault: expect.objectContaining({ code: 'bad-allow-list' }) }),
    )
  })
})

test('a list that is replaced admits the new ones alone, and says so', () => {
  const list = createAllowList(new Set([ANN]))
  let told = 0
  const end = list.onChange(() => {
    // It holds already.
    expect(list.admits(BEN)).toBe(true)
    told++
  })
  expect([list.admits(ANN), list.admits(BEN)]).toEqual([true, false])
  list.replace(new Set([BEN]))
  expect([list.admits(ANN), list.admits(BEN)]).toEqual([false, true])
  end()
  list.replace(new Set([ANN]))
  expect(told).toBe(1)
})
