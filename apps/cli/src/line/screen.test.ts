import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { layOut } from './markdown.ts'
import { ERASE_LINE, Screen } from './screen.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function screenOf({ columns, json = false }: { columns: number | undefined; json?: boolean }) {
  const written: string[] = []
  const host = {
    stdout: (text: string) => void written.push(`out ${text}`),
    stderr: (text: string) => void written.push(`err ${text}`),
    columns: () => columns,
  }
  return { screen: new Screen(host, () => json), written }
}

describe('on a terminal', () => {
  test('progress is drawn over itself, is gone before a line, and comes back below it', () => {
    const { screen, written } = screenOf({ columns: 40 })
    screen.begin('joining')
    screen.doing('asking')
    vi.advanceTimersByTime(200)
    screen.progress('1 of 2')
    screen.print('done')
    vi.advanceTimersByTime(200)
    screen.close()
    expect(written).toEqual([
      `err ${ERASE_LINE}joining`,
      `err ${ERASE_LINE}asking`,
      `err ${ERASE_LINE}asking: 1 of 2`,
      `err ${ERASE_LINE}`,
      'out done\n',
      `err ${ERASE_LINE}asking: 1 of 2`,
      `err ${ERASE_LINE}`,
    ])
  })

  test('no second passes without a sign of life', () => {
    const { screen, written } = screenOf({ columns: 40 })
    screen.begin('joining')
    vi.advanceTimersByTime(3_000)
    screen.close()
    expect(written).toEqual([
      `err ${ERASE_LINE}joining`,
      ...[1, 2, 3].map((seconds) => `err ${ERASE_LINE}joining, ${seconds} s`),
      `err ${ERASE_LINE}`,
    ])
    vi.advanceTimersByTime(5_000)
    expect(written).toHaveLength(5)
  })

  test('nothing stands there that nobody waits for', () => {
    const { screen, written } = screenOf({ columns: 40 })
    screen.begin('starting')
    screen.doing('')
    vi.advanceTimersByTime(5_000)
    expect(written).toEqual([`err ${ERASE_LINE}starting`, `err ${ERASE_LINE}`])
  })

  test('progress keeps to one line', () => {
    const { screen, written } = screenOf({ columns: 12 })
    screen.doing('asking the swarm')
    vi.advanceTimersByTime(1_000)
    expect(written).toEqual([`err ${ERASE_LINE}asking the…`, `err ${ERASE_LINE}askin…, 1 s`])
  })
})

describe('elsewhere', () => {
  test('a person reads what begins at once, and how far it is now and then', () => {
    const { screen, written } = screenOf({ columns: undefined })
    screen.begin('starting')
    screen.doing('asking')
    screen.progress('1 of 9')
    vi.advanceTimersByTime(2_000)
    screen.progress('5 of 9')
    screen.progress('6 of 9')
    screen.log('a line that is longer than any terminal'.repeat(4))
    screen.close()
    expect(written).toEqual([
      'err asking\n',
      'err asking: 5 of 9\n',
      `err ${'a line that is longer than any terminal'.repeat(4)}\n`,
    ])
  })

  test('a program hears of nothing but what takes long', () => {
    const { screen, written } = screenOf({ columns: undefined, json: true })
    screen.doing('asking')
    screen.progress('1 of 9')
    vi.advanceTimersByTime(2_000)
    screen.progress('5 of 9')
    expect(written).toEqual(['err asking: 5 of 9\n'])
  })
})

test('a report in Markdown is laid out for people', () => {
  const report = [
    '# tabs',
    '',
    'Half of them leave within 38 seconds, `twice`.',
    '',
    '| policy | top-1 |',
    '| --- | --- |',
    '| any | 9.0 % |',
    '',
    '- **any**: whoever has a step chooses',
    '',
    '```sh',
    'npx layerswarm simulate tabs --seed 1',
    '```',
    '',
  ].join('\n')
  expect(layOut(report, 30)).toEqual([
    'tabs',
    '',
    'Half of them leave within 38',
    'seconds, twice.',
    '',
    'policy  top-1',
    'any     9.0 %',
    '',
    '- any: whoever has a step',
    '  chooses',
    '',
    'npx layerswarm simulate \\',
    '  tabs --seed 1',
  ])
})
