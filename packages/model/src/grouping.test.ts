import { describe, expect, test } from 'vitest'
import { ModelError } from './errors.ts'
import { groupingText, parseGrouping, singleRounds } from './grouping.ts'

describe('a grouping', () => {
  test.each([
    ['4+4', 8, [4, 4]],
    ['3+3+2', 8, [3, 3, 2]],
    ['8', 8, [8]],
    ['1', 1, [1]],
    ['10+2', 12, [10, 2]],
  ])('%s is read and written', (text, layers, sizes) => {
    expect(parseGrouping(text, layers)).toEqual(sizes)
    expect(groupingText(sizes)).toBe(text)
  })

  test('of single layers can be written for the deepest model', () => {
    const text = groupingText(singleRounds(64))
    expect(parseGrouping(text, 64)).toEqual(singleRounds(64))
  })

  test.each([
    ['4+3', 8],
    ['4+4+4', 8],
    ['0+8', 8],
    ['08', 8],
    ['4 + 4', 8],
    ['+8', 8],
    ['8+', 8],
    ['', 8],
    ['-1+9', 8],
    ['8.0', 8],
    ['4+4\n', 8],
    ['1+'.repeat(10_000), 8],
  ])('%j of %i layers is refused in one short line that shows how', (text, layers) => {
    let caught: unknown
    try {
      parseGrouping(text, layers)
    } catch (error) {
      caught = error
    }
    expect(caught).toBeInstanceOf(ModelError)
    expect(caught).toMatchObject({ fault: { code: 'bad-grouping' } })
    expect(String(caught)).toMatch(/is no grouping of 8 layers; one is "4\+4"$/)
    expect(String(caught).length).toBeLessThan(250)
  })
})
