import { describe, expect, test } from 'vitest'
import type { ValuesOf } from '../line/option.ts'
import { parseLine } from '../line/parse-line.ts'
import { type ASK_OPTIONS, askingOf } from './ask-options.ts'
import { demo } from './demo.ts'

const ask = (...words: string[]) =>
  askingOf(parseLine(demo, words).values as ValuesOf<typeof ASK_OPTIONS>)

describe('rounds on the command line', () => {
  test('are none unless they are asked for', () => {
    expect(ask().policy).toMatchObject({ rounds: 'off', maxLossPoints: 0.5 })
    expect(ask('--rounds', 'auto').policy.rounds).toBe('auto')
    const { policy } = ask('--rounds', '4+3+1', '--max-loss', '2.25')
    expect(policy).toMatchObject({ rounds: [4, 3, 1], maxLossPoints: 2.25 })
  })

  test.each(['4+', '0+8', 'four', '', '99', '4 + 4'])('cannot be "%s"', (word) => {
    expect(() => ask('--rounds', word)).toThrow(
      '--rounds takes auto, off, or how many layers run in each round, as 4+4, not',
    )
  })

  test.each(['-1', '101', 'x', '1e2', ''])('cannot cost "%s" points', (word) => {
    expect(() => ask(`--max-loss=${word}`)).toThrow('--max-loss takes points from 0 to 100, as 0.5')
  })

  test('exclude what compares orders or names one', () => {
    expect(() => ask('--rounds', '8', '--order', '0,1')).toThrow(
      '--order runs one layer after the other; leave it or --rounds out',
    )
    expect(() => ask('--rounds', '8', '--confirm')).toThrow('--confirm compares orders')
    expect(ask('--confirm').policy.rounds).toBe('off')
    expect(ask('--order', '0,1').policy.plan).toEqual([0, 1])
  })
})
