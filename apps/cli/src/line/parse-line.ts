import { parseArgs } from 'node:util'
import { usageError } from '../cli-error.ts'
import type { Command } from './command.ts'
import { nearest } from './nearest.ts'
import { bare, type Options } from './option.ts'

/** The flags that every command takes. */
export const COMMON_OPTIONS = {
  json: bare('print one JSON document on stdout; everything else goes to stderr'),
  help: bare('print this help'),
} satisfies Options

/** A command line, read and checked. */
export interface ParsedLine {
  readonly json: boolean
  readonly help: boolean
  readonly values: Readonly<Record<string, unknown>>
  readonly positionals: readonly string[]
}

/** Turns the words behind a command's name into typed values. @throws CliError `bad-usage`. */
export function parseLine(command: Command, words: readonly string[]): ParsedLine {
  const options: Options = { ...command.options, ...COMMON_OPTIONS }
  const { flags, positionals } = sortWords(command.name, options, words)
  const help = flags.has('help')
  const values = help ? {} : readValues(options, flags)
  if (!help) checkPositionals(command, positionals)
  return { json: flags.has('json'), help, values, positionals }
}

function sortWords(
  command: string,
  options: Options,
  words: readonly string[],
): { flags: Map<string, string[]>; positionals: string[] } {
  // Not strict: its messages take several sentences, ours name the nearest flag.
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(options).map(([name, { kind }]) => [
        name,
        { type: kind === 'bare' ? 'boolean' : 'string', ...(name === 'help' && { short: 'h' }) },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const flags = new Map<string, string[]>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined
    if (option === undefined) throw unknownFlag(command, token.rawName, Object.keys(options))
    const given = flags.get(token.name) ?? []
    if (given.length > 0 && !option.repeatable) throw usageError(`${token.rawName} is given twice`)
    flags.set(token.name, [...given, wordOf(option.kind, token)])
  }
  return { flags, positionals }
}

function unknownFlag(command: string, flag: string, known: readonly string[]): Error {
  const near = nearest(flag.replace(/^-+/, ''), known)
  return usageError(`${command} has no flag ${flag}; did you mean --${near}?`)
}

function wordOf(
  kind: 'text' | 'bare',
  {
    rawName,
    value,
    inlineValue,
  }: { rawName: string; value?: string | undefined; inlineValue?: boolean | undefined },
): string {
  if (kind === 'bare') {
    if (value !== undefined) throw usageError(`${rawName} takes no value`)
    return ''
  }
  // A word that looks like a flag is one, unless it was written behind an equals sign.
  if (value === undefined || (!inlineValue && value.startsWith('--'))) {
    throw usageError(`${rawName} needs a value`)
  }
  return value
}

function readValues(
  options: Options,
  flags: ReadonlyMap<string, readonly string[]>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => [
      name,
      option.read(flags.get(name) ?? [], `--${name}`),
    ]),
  )
}

function checkPositionals({ name, positionals: rule }: Command, given: readonly string[]): void {
  if (given.length < rule.min) throw usageError(`${name} needs ${rule.placeholder}`)
  if (given.length <= rule.max) return
  const surplus = given[rule.max]
  throw usageError(
    rule.max === 0
      ? `${name} takes no arguments, only flags; "${surplus}" is not one`
      : `${name} takes ${rule.placeholder} only; "${surplus}" is too much`,
  )
}
