import {
  DECODE_MS_MAX,
  JSON_SHARE,
  MESSAGE_CHARS_MAX,
  VALUE_BYTES_BESIDE,
  VALUE_BYTES_PER_INPUT_BYTE,
} from './limits.ts'

/** What an input is made of, and so how it is changed. */
export type InputKind = 'bytes' | 'json' | 'text'

/** A decoder refused its input with one of its documented errors. */
export const REFUSED: unique symbol = Symbol('refused')

/** One decoder of what comes from outside, and what must be true of it. */
export interface Target {
  /** Package and subject: `swarm/message`. */
  readonly name: string
  /** The functions that read, as `file#function`: a test holds the list against the sources. */
  readonly covers: readonly string[]
  readonly kind: InputKind
  /** Valid inputs, and some that nearly are. */
  seeds(): readonly Uint8Array[]
  /** Executions beside those of the others, JSON_SHARE for JSON and 1 for others unless said: less for what is slow. */
  readonly share?: number
  /** Longest input, bytes. */
  readonly bytesMax?: number
  /** Longest that it may take, milliseconds; DECODE_MS_MAX unless said. */
  readonly msMax?: number
  /** Bytes that its value may take beside those of its input. */
  readonly besideBytes?: number
  /**
   * Decodes, and checks what holds for the value.
   * @returns the value, or REFUSED. @throws Error for what is not documented.
   */
  run(input: Uint8Array): unknown
}

/** How many executions a decoder gets beside the others. */
export function shareOf({ kind, share }: Target): number {
  return share ?? (kind === 'json' ? JSON_SHARE : 1)
}

/** An input with which a decoder does what it must not. */
export class Finding extends Error {
  override readonly name = 'Finding'
  readonly target: string
  readonly input: Uint8Array
  /** The same for inputs that break the same thing. */
  readonly kind: string

  constructor(target: string, input: Uint8Array, kind: string, cause?: unknown) {
    super(`${target}: ${kind}`, { cause })
    this.target = target
    this.input = input
    this.kind = kind
  }
}

/**
 * Runs a decoder on one input; once more where it was slow, since that may have been the machine.
 * @returns whether it gave a value. @throws Finding when it broke its word.
 */
export function execute(target: Target, input: Uint8Array, tries = 3): boolean | Promise<boolean> {
  const startMs = performance.now()
  let value: unknown
  try {
    value = target.run(input)
  } catch (error) {
    throw findingOf(target, input, error)
  }
  const judge = (given: unknown) => {
    const ms = performance.now() - startMs
    const { msMax = DECODE_MS_MAX } = target
    if (ms <= msMax) return judged(target, input, given)
    if (tries > 1) return execute(target, input, tries - 1)
    throw new Finding(target.name, input, `slower than ${msMax} ms`)
  }
  if (!(value instanceof Promise)) return judge(value)
  return value.then(judge, (error: unknown) => {
    throw findingOf(target, input, error)
  })
}

function findingOf(target: Target, input: Uint8Array, error: unknown): Finding {
  const [line = ''] = String(error).split('\n')
  return new Finding(target.name, input, line.replace(/\d+/g, 'N').slice(0, 160), error)
}

function judged(target: Target, input: Uint8Array, value: unknown): boolean {
  if (value === REFUSED) return false
  const most =
    input.length * VALUE_BYTES_PER_INPUT_BYTE + (target.besideBytes ?? 0) + VALUE_BYTES_BESIDE
  if (bytesOf(value, most) > most)
    throw new Finding(target.name, input, 'a value that is too large')
  return true
}

/** About how many bytes a value takes; stops counting above `most`. */
function bytesOf(value: unknown, most: number): number {
  let bytes = 0
  const open: unknown[] = [value]
  const seen = new Set<object>()
  while (open.length > 0 && bytes <= most) {
    const one = open.pop()
    bytes += 8
    if (typeof one === 'string') bytes += one.length
    if (typeof one !== 'object' || one === null || seen.has(one)) continue
    seen.add(one)
    if (ArrayBuffer.isView(one)) bytes += one.byteLength
    else for (const item of itemsOf(one)) open.push(item)
  }
  return bytes
}

/** Keys and values. */
function itemsOf(one: object): Iterable<unknown> {
  return one instanceof Map ? [...one].flat() : Object.entries(one).flat()
}

/** Codes by the name of an error class. */
export type Documented = Readonly<Record<string, readonly string[]>>

/**
 * Decodes, and takes the documented errors for a refusal.
 * @throws what is not documented, or documented and not one line for people.
 */
export function refusing<T>(documented: Documented, decode: () => T): T | typeof REFUSED {
  try {
    return decode()
  } catch (error) {
    return refused(documented, error)
  }
}

/** Like `refusing`, for what reads files or streams. */
export async function refusingLater<T>(
  documented: Documented,
  decode: () => Promise<T>,
): Promise<T | typeof REFUSED> {
  try {
    return await decode()
  } catch (error) {
    return refused(documented, error)
  }
}

function refused(documented: Documented, error: unknown): typeof REFUSED {
  if (!(error instanceof Error)) throw error
  const fault: unknown = 'fault' in error ? error.fault : undefined
  const code = typeof fault === 'object' && fault !== null && 'code' in fault ? fault.code : ''
  const codes = Object.hasOwn(documented, error.name) ? documented[error.name] : undefined
  if (codes === undefined || !codes.includes(String(code))) throw error
  const { message } = error
  if (/[\r\n\0]/.test(message)) throw new Error(`${code}: more than one line`, { cause: error })
  if (message.length > MESSAGE_CHARS_MAX)
    throw new Error(`${code}: a line that nobody can read`, { cause: error })
  return REFUSED
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** UTF-8. */
export const encode = (text: string): Uint8Array => encoder.encode(text)
/** UTF-8; what is none becomes U+FFFD. */
export const decode = (bytes: Uint8Array): string => decoder.decode(bytes)
/** A value as the bytes of its JSON. */
export const jsonOf = (value: unknown): Uint8Array => encode(JSON.stringify(value))

/** The value that JSON bytes hold, or REFUSED: they are none, which no decoder of values gets to see. */
export function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decode(bytes))
  } catch {
    return REFUSED
  }
}

/** @throws Error when two values that must be the same are not. */
export function same(a: unknown, b: unknown, what: string): void {
  if (!isSame(a, b)) throw new Error(what)
}

/** Deeply equal, `-0` being `0`. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (a instanceof URL && b instanceof URL) return a.href === b.href
  if (a instanceof Map && b instanceof Map) return isSame([...a], [...b])
  const [one, other] = [Object.entries(a), Object.entries(b)]
  if (one.length !== other.length) return false
  const fields = new Map(other)
  return one.every(([key, item]) => fields.has(key) && isSame(item, fields.get(key)))
}
