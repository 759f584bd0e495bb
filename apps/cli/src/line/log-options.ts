import { oneLine } from '@layerswarm/model'
import type { LogEntry } from '@layerswarm/signaling'
import { choice, type ValuesOf } from './option.ts'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogEntry['level'][]

/** How a command that runs as a service logs, on stderr. */
export const LOG_OPTIONS = {
  'log-level': choice(LEVELS, 'the least that is logged', 'info'),
  'log-format': choice(
    ['text', 'timed', 'json'],
    'lines of text, the same behind their time in UTC, or one JSON object per line',
    'text',
  ),
} as const

/** The values of `LOG_OPTIONS`. */
export type LogFlags = ValuesOf<typeof LOG_OPTIONS>

/** What is logged unless flags say otherwise. */
export const LOG_USUAL: LogFlags = Object.freeze({ 'log-level': 'info', 'log-format': 'text' })

/** What a log is written with. */
export interface LogNeeds {
  readonly flags: LogFlags
  /** An entry as a line for people. */
  describe(entry: LogEntry): string
  write(line: string): void
  /** Milliseconds since 1970. */
  now(): number
}

/** A log that writes a line for every entry that is important enough. */
export function createLog({ flags, describe, write, now }: LogNeeds): (entry: LogEntry) => void {
  const least = LEVELS.indexOf(flags['log-level'])
  return (entry) => {
    if (LEVELS.indexOf(entry.level) < least) return
    const time = new Date(now()).toISOString()
    const { level, event, text, data } = entry
    switch (flags['log-format']) {
      case 'json':
        return write(JSON.stringify({ time, level, event, text, data }))
      case 'timed':
        return write(`${time} ${oneLine(describe(entry))}`)
      case 'text':
        return write(oneLine(describe(entry)))
    }
  }
}
