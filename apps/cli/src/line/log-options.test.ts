import { formatLog, type LogEntry } from '@layerswarm/signaling'
import { describe, expect, test } from 'vitest'
import { createLog, LOG_USUAL, type LogFlags } from './log-options.ts'

const banned: LogEntry = {
  level: 'warn',
  event: 'peer-banned',
  text: 'said "a\nb"',
  data: { peer: '12D3', level: 'info' },
}
const met: LogEntry = { level: 'debug', event: 'peer-connected', text: '', data: {} }

function logged(flags: Partial<LogFlags>, ...entries: LogEntry[]): string[] {
  const lines: string[] = []
  const log = createLog({
    flags: { ...LOG_USUAL, ...flags },
    describe: formatLog,
    write: (line) => void lines.push(line),
    now: () => Date.UTC(2026, 10, 26, 8, 30),
  })
  for (const entry of entries) log(entry)
  return lines
}

describe('a log', () => {
  test('is text without a time, from info upwards, unless told otherwise', () => {
    expect(logged({}, met, banned)).toEqual(['warn peer-banned said "a\\nb" peer=12D3 level=info'])
  })

  test('hands no control character of others to the terminal', () => {
    const reason = 'refused: \u001b[2Jgone\u0007\u009b1m'
    const lines: string[] = []
    for (const format of ['text', 'timed'] as const) {
      const flags = { ...LOG_USUAL, 'log-format': format }
      const describe = ({ text }: LogEntry) => text
      createLog({ flags, describe, write: (line) => void lines.push(line), now: () => 0 })({
        ...banned,
        text: reason,
      })
    }
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(line).toMatch(/refused: \[2Jgone 1m$/)
  })

  test('begins with the time in UTC if asked', () => {
    expect(logged({ 'log-format': 'timed' }, banned)).toEqual([
      '2026-11-26T08:30:00.000Z warn peer-banned said "a\\nb" peer=12D3 level=info',
    ])
  })

  test('is one JSON object per line if asked, whatever the entry holds', () => {
    const lines = logged({ 'log-format': 'json', 'log-level': 'debug' }, met, banned)
    expect(lines.every((line) => !line.includes('\n'))).toBe(true)
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { time: '2026-11-26T08:30:00.000Z', ...met },
      { time: '2026-11-26T08:30:00.000Z', ...banned },
    ])
  })

  test.each([
    ['debug', 2],
    ['warn', 1],
    ['error', 0],
  ] as const)('leaves out what is below %s', (level, lines) => {
    expect(logged({ 'log-level': level }, met, banned)).toHaveLength(lines)
  })
})
