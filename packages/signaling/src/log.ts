/** One thing that happened. `text` is for people, `data` for programs; neither holds an address of a person. */
export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly event: string
  readonly text: string
  readonly data: Readonly<Record<string, string | number>>
}

/** Takes one entry; must not throw. */
export type Log = (entry: LogEntry) => void

/**
 * One line: level, event, text, then the data as `key=value`. Values that hold anything but plain
 * characters are quoted as JSON, so that a peer's text cannot start a line of its own.
 */
export function formatLog({ level, event, text, data }: LogEntry): string {
  const pairs = Object.entries(data).map(([key, value]) => `${key}=${plain(String(value))}`)
  return [level, event, ...(text === '' ? [] : [oneLine(text)]), ...pairs].join(' ')
}

function plain(value: string): string {
  return /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value)
}

function oneLine(text: string): string {
  return JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"')
}
