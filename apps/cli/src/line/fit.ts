import { wrap } from './wrap.ts'

/** What colours a text on a terminal and takes no room there (ECMA-48, "control sequence"). */
const ESCAPE = '\u001b'
const CONTROL_SEQUENCES = new RegExp(`${ESCAPE}\\[[\\d;?]*[A-Za-z]`, 'g')

/** What a person copies into a shell, to the end of its line. */
const SHELL_COMMAND = /(?:\S+=\S+ )?npx layerswarm [^`]*$/

/** Cells that a line takes on a terminal. */
export function widthOf(line: string): number {
  return [...line.replace(CONTROL_SEQUENCES, '')].length
}

/**
 * Breaks a line for a terminal; what goes on is set in a little. A command stays one that a shell takes back, and a
 * word that is longer than a line, an address or a hash, stays whole.
 * What a program reads, an object of a log in JSON, is left as it is.
 * @param columns cells of the terminal.
 */
export function fit(line: string, columns: number): string[] {
  if (widthOf(line) <= columns || line.startsWith('{"')) return [line]
  const [indent = ''] = /^ */.exec(line) ?? []
  const text = line.slice(indent.length)
  const at = text.search(SHELL_COMMAND)
  if (at < 0) return hanging(text, indent, columns)
  const before = at === 0 ? [] : hanging(text.slice(0, at).trimEnd(), indent, columns)
  const deeper = at === 0 ? indent : `${indent}  `
  return [...before, ...shellLines(text.slice(at), deeper, columns)]
}

/** One that is too long goes on behind a backslash, as a shell reads it. */
export function shellLines(command: string, indent: string, columns: number): string[] {
  const lines = wrap(command, columns - indent.length - 4)
  return lines.map(
    (part, at) => `${indent}${at === 0 ? '' : '  '}${part}${at < lines.length - 1 ? ' \\' : ''}`,
  )
}

/** The beginning of a line, where the whole has no room. */
export function cut(line: string, columns: number): string {
  const cells = [...line]
  return cells.length <= columns ? line : `${cells.slice(0, columns - 1).join('')}…`
}

function hanging(text: string, indent: string, columns: number): string[] {
  return wrap(text, columns - indent.length - 2).map(
    (part, at) => `${indent}${at === 0 ? '' : '  '}${part}`,
  )
}
