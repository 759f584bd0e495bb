import { mulberry32 } from '@layerswarm/model'
import {
  CHANGES_MAX,
  INPUT_BYTES_MAX,
  LONG_TEXT_CHARS,
  MANY_ITEMS,
  NESTING_DEPTH,
  WRITABLE_DEPTH,
} from './limits.ts'
import { encode, type InputKind, parsed, REFUSED } from './target.ts'

/** Draws for one run of a fuzzer; the seed repeats them. */
export interface Dice {
  /** A whole number from 0 to `below` − 1. */
  below(below: number): number
  one<T>(list: readonly T[]): T
}

/** Dice that fall alike for the same seed. */
export function createDice(seed: number): Dice {
  const uniform = mulberry32(seed)
  const below = (limit: number): number => Math.floor(uniform() * limit)
  return { below, one: (list) => list[below(list.length)] as (typeof list)[number] }
}

/** What an input is changed with. */
export interface Material {
  readonly kind: InputKind
  readonly bytesMax?: number
  /** Other inputs of the same decoder. */
  readonly others: readonly Uint8Array[]
  /** Words that the sources hold. */
  readonly words: readonly string[]
}

/** Numbers at which lengths and counts go wrong, as 32 bits. */
const EDGES = [0, 1, 2, 7, 8, 15, 16, 63, 64, 65, 127, 128, 255, 256, 1024, 65_535, 65_536].concat([
  0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff, 0x1_0000, 0x00ff_ffff,
])

/** An input made of another by a few changes. */
export function mutated(input: Uint8Array, dice: Dice, material: Material): Uint8Array {
  const changes = 1 + dice.below(1 + dice.below(CHANGES_MAX))
  const made = isValue(input, dice, material)
    ? otherJson(input, changes, dice, material)
    : otherBytes(input, changes, dice, material)
  return made.subarray(0, material.bytesMax ?? INPUT_BYTES_MAX)
}

/** Whether it is changed as JSON, as it is for nearly always where it can be. */
function isValue(input: Uint8Array, dice: Dice, { kind }: Material): boolean {
  return kind === 'json' && dice.below(20) > 0 && !isDeep(input) && parsed(input) !== REFUSED
}

function otherBytes(
  input: Uint8Array,
  changes: number,
  dice: Dice,
  material: Material,
): Uint8Array {
  let bytes = input
  for (let change = 0; change < changes; change++) bytes = changed(bytes, dice, material)
  return bytes
}

/** More brackets in a row than JSON.stringify could write again. */
function isDeep(bytes: Uint8Array): boolean {
  let run = 0
  for (const byte of bytes) {
    run = byte === 0x5b ? run + 1 : 0
    if (run > WRITABLE_DEPTH) return true
  }
  return false
}

function changed(bytes: Uint8Array, dice: Dice, material: Material): Uint8Array {
  const at = dice.below(bytes.length + 1)
  const length = 1 + dice.below(Math.min(32, Math.max(1, bytes.length - at)))
  switch (dice.below(11)) {
    case 0:
      return overwritten(bytes, at, [(bytes[at] ?? 0) ^ (1 << dice.below(8))])
    case 1:
      return overwritten(bytes, at, [dice.below(256)])
    case 2:
      return replaced(bytes, at, 0, [dice.below(256)])
    case 3:
      return replaced(bytes, at, length, [])
    case 4:
      return bytes.slice(0, at)
    case 5:
      return replaced(bytes, at, 0, bytes.subarray(at, at + length))
    case 6:
      return overwritten(bytes, at, edge(dice))
    case 7:
      return overwritten(bytes, at, [(bytes[at] ?? 0) + dice.below(35) - 17])
    case 8:
      return spliced(bytes, at, dice, material)
    case 9:
      return replaced(bytes, at, dice.below(2) * length, wordOf(dice, material))
    default: {
      const other = dice.below(bytes.length + 1)
      return overwritten(bytes, at, bytes.slice(other, other + length))
    }
  }
}

function replaced(
  bytes: Uint8Array,
  at: number,
  removed: number,
  inserted: ArrayLike<number>,
): Uint8Array {
  const rest = bytes.subarray(Math.min(bytes.length, at + removed))
  const made = new Uint8Array(at + inserted.length + rest.length)
  made.set(bytes.subarray(0, at))
  made.set(inserted, at)
  made.set(rest, at + inserted.length)
  return made
}

function overwritten(bytes: Uint8Array, at: number, by: ArrayLike<number>): Uint8Array {
  const made = bytes.slice()
  for (let i = 0; i < by.length && at + i < made.length; i++) made[at + i] = by[i] as number
  return made
}

/** A number at an edge, of one to four bytes in either order. */
function edge(dice: Dice): number[] {
  const value = dice.one(EDGES)
  const size = dice.one([1, 2, 4])
  const bytes = Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) % 256)
  return dice.below(2) === 0 ? bytes : bytes.reverse()
}

function spliced(bytes: Uint8Array, at: number, dice: Dice, { others }: Material): Uint8Array {
  if (others.length === 0) return bytes
  const other = dice.one(others)
  const from = dice.below(2) === 0 ? Math.min(at, other.length) : dice.below(other.length + 1)
  return replaced(bytes.subarray(0, at), at, 0, other.subarray(from))
}

function wordOf(dice: Dice, { words }: Material): Uint8Array {
  return encode(words.length > 0 && dice.below(3) > 0 ? dice.one(words) : dice.one(ODD_TEXTS))
}

const ODD_TEXTS = [
  '',
  '0',
  '-1',
  '1e999',
  '__proto__',
  'constructor',
  'toString',
  'length',
  '\u0000',
  '\u2028',
  '\ud800',
  '💥',
  '%00',
  '%zz',
  '../../etc/passwd',
  'http://[::1]/',
  'http://user:pass@host/',
  '/ip4/127.0.0.1/tcp/1',
]

const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  0.5,
  2 ** 31,
  2 ** 53,
  -(2 ** 53),
  1e308,
  1e-320,
  [],
  {},
  [[]],
  [null],
  { toString: 1, valueOf: 1 },
  { length: 4_294_967_295 },
  ...ODD_TEXTS,
]

/** Stands for brackets that JSON.stringify could not write for their number. */
const DEEP = '@deep@'

const DEEP_TEXT = '['.repeat(NESTING_DEPTH) + ']'.repeat(NESTING_DEPTH)

/** Some places of a JSON value are others. */
function otherJson(input: Uint8Array, changes: number, dice: Dice, material: Material): Uint8Array {
  const root: Holder = { root: parsed(input) }
  for (let change = 0; change < changes; change++) otherPlace(root, dice, material)
  const text = JSON.stringify(root.root) ?? 'null'
  return encode(text.includes(DEEP) ? text.replaceAll(`"${DEEP}"`, DEEP_TEXT) : text)
}

/** One place of a JSON value is another. */
function otherPlace(root: Holder, dice: Dice, material: Material): void {
  const { holder, key } = placeIn(root, dice)
  const here = holder[key]
  switch (dice.below(8)) {
    case 0:
    case 1:
      return put(holder, key, dice.one(ODD_VALUES))
    case 2:
      return put(holder, key, nameFor(dice, material))
    case 3:
      return put(holder, key, grown(here, dice))
    case 4:
      if (Array.isArray(holder)) holder.splice(Number(key), 1)
      else if (holder !== root) delete holder[key]
      return
    case 5:
      if (isHolder(here)) put(here, nameFor(dice, material), dice.one(ODD_VALUES))
      return
    case 6:
      return put(holder, key, donated(dice, material))
    default:
      if (typeof here === 'number') put(holder, key, otherNumber(here, dice))
      else if (typeof here === 'string') put(holder, key, otherText(here, dice, material))
  }
}

type Holder = Record<string | number, unknown>

function isHolder(value: unknown): value is Holder {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An own property, also where its name is `__proto__`. */
function put(holder: Holder, key: string | number, value: unknown): void {
  const all = { enumerable: true, configurable: true, writable: true }
  Object.defineProperty(holder, key, { ...all, value: copied(value) })
}

function copied(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? JSON.parse(JSON.stringify(value)) : value
}

/** A place drawn from all of a value, each step down as likely as the next. */
function placeIn(root: Holder, dice: Dice): { holder: Holder; key: string | number } {
  let holder: Holder = root
  let key: string | number = 'root'
  for (;;) {
    const here: unknown = holder[key]
    if (typeof here !== 'object' || here === null || dice.below(5) === 0) return { holder, key }
    const keys: string[] = Object.keys(here)
    if (keys.length === 0) return { holder, key }
    holder = here as Holder
    key = dice.one(keys)
  }
}

function grown(value: unknown, dice: Dice): unknown {
  if (Array.isArray(value) && value.length > 0) {
    // The long ones seldom: they are slow.
    const longer = dice.below(16) === 0 ? MANY_ITEMS : dice.one([65, 257])
    const count = dice.below(2) === 0 ? value.length + 1 : Math.max(value.length, longer)
    return Array.from({ length: count }, (_, i) => value[i % value.length])
  }
  if (typeof value === 'string') {
    const count = dice.one([65, 257, LONG_TEXT_CHARS])
    return (value || 'a').repeat(Math.ceil(count / (value.length || 1))).slice(0, count)
  }
  return dice.below(40) === 0 ? DEEP : [value, value]
}

function nameFor(dice: Dice, { words }: Material): string {
  return words.length > 0 && dice.below(2) === 0 ? dice.one(words) : dice.one(ODD_TEXTS)
}

function donated(dice: Dice, { others }: Material): unknown {
  const other = others.length > 0 ? dice.one(others) : new Uint8Array()
  const value = isDeep(other) ? REFUSED : parsed(other)
  if (value === REFUSED) return null
  const { holder, key } = placeIn({ root: value }, dice)
  return holder[key]
}

function otherNumber(value: number, dice: Dice): number {
  return dice.one([value + 1, value - 1, -value, value * 2, value / 2, value + 0.5, 0])
}

function otherText(value: string, dice: Dice, material: Material): string {
  const at = dice.below(value.length + 1)
  const inserted = dice.below(2) === 0 ? dice.one(ODD_TEXTS) : nameFor(dice, material)
  return value.slice(0, at) + inserted + value.slice(at + dice.below(3))
}
