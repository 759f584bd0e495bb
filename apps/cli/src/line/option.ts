import { folderOf } from '@layerswarm/peer/join-url'
import { BOOTSTRAP_NODES_MAX, keyInLink, LAYERS_MAX, withoutKey } from '@layerswarm/swarm'
import { usageError } from '../cli-error.ts'
import { nearest } from './nearest.ts'

/**
 * One flag of a command: how it looks in the help, and how its text becomes a value.
 * `read` gets what the user wrote (nothing when the flag is absent; `true` for a bare flag).
 * @throws CliError `bad-usage` from `read`.
 */
export interface Option<T> {
  /** With a value behind it, or without. */
  readonly kind: 'text' | 'bare'
  /** What stands behind the flag in the help, as FILE; none for a bare flag. */
  readonly placeholder?: string
  readonly help: string
  readonly repeatable?: boolean
  /** The words that it takes, for completion; none for any. */
  readonly choices?: readonly string[]
  read(texts: readonly string[], flag: string): T
}

/** The flags of a command by name, without the dashes. */
export type Options = Readonly<Record<string, Option<unknown>>>

/** What the flags of a command come to, once read. */
export type ValuesOf<O extends Options> = { readonly [K in keyof O]: ReturnType<O[K]['read']> }

/** A flag without a value: there or not. */
export function bare(help: string): Option<boolean> {
  return { kind: 'bare', help, read: (texts) => texts.length > 0 }
}

/** A text, undefined when absent. */
export function text(placeholder: string, help: string): Option<string | undefined> {
  return { kind: 'text', placeholder, help, read: (values, flag) => filled(values, flag)[0] }
}

/** A text that the command cannot do without. */
export function requiredText(placeholder: string, help: string): Option<string> {
  return {
    kind: 'text',
    placeholder,
    help,
    read: (values, flag) => filled(values, flag)[0] ?? missing(flag, placeholder),
  }
}

/** A text that may be given several times. */
export function texts(placeholder: string, help: string): Option<readonly string[]> {
  return { kind: 'text', placeholder, help, repeatable: true, read: filled }
}

/** A variable of a shell that is not set leaves an empty word behind. @throws CliError `bad-usage`. */
function filled(values: readonly string[], flag: string): readonly string[] {
  if (values.every((value) => value.trim() !== '')) return values
  throw usageError(`${flag} is given an empty text`)
}

/** A whole number from `low` to `high`; `otherwise` when absent. */
export function count<D extends number | undefined>(
  help: string,
  { low, high, otherwise }: { low: number; high: number; otherwise: D },
): Option<number | D> {
  return {
    kind: 'text',
    placeholder: 'N',
    help: otherwise === undefined ? help : `${help} (${otherwise})`,
    read: ([value], flag) => (value === undefined ? otherwise : parseCount(value, flag, low, high)),
  }
}

function parseCount(value: string, flag: string, low: number, high: number): number {
  const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN
  if (number >= low && number <= high) return number
  const near = Number.isNaN(number) ? '' : `; the nearest is ${number < low ? low : high}`
  throw usageError(`${flag} takes a whole number from ${low} to ${high}, not "${value}"${near}`)
}

/** One of a few words. */
export function choice<const C extends string, D extends C | undefined>(
  choices: readonly C[],
  help: string,
  otherwise: D,
): Option<C | D> {
  return {
    kind: 'text',
    placeholder: choices.join('|'),
    choices,
    help: otherwise === undefined ? help : `${help} (${otherwise})`,
    read: ([value], flag) => (value === undefined ? otherwise : parseChoice(value, choices, flag)),
  }
}

/** @param what it is that has this value, a flag or a placeholder. @throws CliError `bad-usage`. */
export function parseChoice<const C extends string>(
  value: string,
  choices: readonly C[],
  what: string,
): C {
  const known = choices.find((word) => word === value)
  if (known !== undefined) return known
  throw usageError(
    `${what} "${value}" is not known; did you mean "${nearest(value, choices)}"? (${choices.join(', ')})`,
  )
}

/** Layer numbers with commas between them; an empty text is no layers at all. */
export function layerList(help: string): Option<readonly number[] | undefined> {
  return {
    kind: 'text',
    placeholder: '2,0,1',
    help,
    read: ([value], flag) => (value === undefined ? undefined : parseLayers(value, flag)),
  }
}

/** Reads `2,0,1` or `0-3,7`: distinct layer numbers from 0. @throws CliError `bad-usage`. */
export function parseLayers(value: string, flag: string): number[] {
  if (value.trim() === '') return []
  const layers = value.split(',').flatMap((word) => {
    const [, first, last = first] = /^\s*(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(word) ?? []
    if (first === undefined)
      throw usageError(`${flag} takes layer numbers as 2,0,1 or 0-3, not "${value}"`)
    const count = Number(last) - Number(first) + 1
    if (count < 1)
      throw usageError(`${flag} takes ranges that ascend, as ${last}-${first}, not ${word.trim()}`)
    if (Number(last) >= LAYERS_MAX)
      throw usageError(
        `${flag} names layer ${last}; a model has at most ${LAYERS_MAX}, from 0 to ${LAYERS_MAX - 1}`,
      )
    return Array.from({ length: count }, (_, i) => Number(first) + i)
  })
  const twice = layers.find((layer, index) => layers.indexOf(layer) !== index)
  if (twice !== undefined) throw usageError(`${flag} names layer ${twice} twice`)
  return layers
}

/** The http addresses of a swarm's servers: one, or several of which any may be away. That of a private swarm keeps its key. */
export function swarmUrls(): Option<readonly URL[]> {
  const placeholder = 'URL'
  return {
    kind: 'text',
    placeholder,
    help: 'address of the swarm, as `layerswarm up` prints it; of each of its servers, if it has several',
    repeatable: true,
    read: (values, flag) =>
      values.length === 0
        ? missing(flag, placeholder)
        : parseUrls(values, flag, BOOTSTRAP_NODES_MAX),
  }
}

/** http addresses of servers, at most `max` of them. */
export function serverUrls(help: string, max: number): Option<readonly URL[]> {
  return {
    kind: 'text',
    placeholder: 'URL',
    help,
    repeatable: true,
    read: (values, flag) => parseUrls(values, flag, max),
  }
}

/** An http address, undefined when absent. */
export function optionalUrl(help: string): Option<URL | undefined> {
  return {
    kind: 'text',
    placeholder: 'URL',
    help,
    read: ([value], flag) => (value === undefined ? undefined : parseUrl(value, flag)),
  }
}

/** The key of a private swarm, where the link has none in it. */
export function swarmKeyOption(): Option<string | undefined> {
  return text(
    'FILE',
    'file with the key of a private swarm, where the URL has none; - reads standard input (none)',
  )
}

/** Who is let in. */
export function allowListOption(): Option<string | undefined> {
  return text(
    'FILE',
    'file with the peer ids that are let in, one a line; read again on SIGHUP (everybody)',
  )
}

/** Without those that are named twice. */
function parseUrls(values: readonly string[], flag: string, max: number): URL[] {
  const urls = new Map(values.map((value) => parseUrl(value, flag)).map((url) => [url.href, url]))
  if (urls.size <= max) return [...urls.values()]
  throw usageError(`${flag} names ${urls.size} servers; ${max} at most`)
}

function parseUrl(value: string, flag: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined
  const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:'
  if (isWeb && (url.username !== '' || url.password !== ''))
    throw usageError(`${flag} takes an address without a user or a password in it`)
  if (isWeb) return withKeyOf(url)
  throw usageError(`${flag} takes an address as http://127.0.0.1:9000, not "${withoutKey(value)}"`)
}

/** As the page's address is copied from a browser: a server's own addresses lie below its folder. */
function withKeyOf(url: URL): URL {
  const folder = folderOf(url)
  if (keyInLink(url.href) !== undefined) folder.hash = url.hash
  return folder
}

function missing(flag: string, placeholder: string): never {
  throw usageError(`${flag} ${placeholder} is missing`)
}
