import { SwarmError } from '../errors.ts'

/**
 * Binary fields out of which `messages.ts` builds its formats: one definition gives a message's
 * type, writer, reader and bounds. Readers take untrusted bytes and throw `bad-message` only.
 */
export interface Field<T> {
  write(out: Writer, value: T): void
  read(from: Reader): T
}

/** The type that a field reads. */
export type Of<F> = F extends Field<infer T> ? T : never

/** The one error of this file: bytes that are no message, and why. */
export function badMessage(reason: string): SwarmError {
  return new SwarmError({ code: 'bad-message', reason }, `bad message: ${reason}`)
}

/** Collects bytes, little-endian. */
export class Writer {
  private bytes = new Uint8Array(256)
  private view = new DataView(this.bytes.buffer)
  private length = 0

  private room(count: number): number {
    const at = this.length
    const needed = at + count
    if (needed > this.bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2))
      larger.set(this.bytes)
      this.bytes = larger
      this.view = new DataView(larger.buffer)
    }
    this.length = needed
    return at
  }

  u8(value: number): void {
    const at = this.room(1)
    this.view.setUint8(at, value)
  }

  u16(value: number): void {
    const at = this.room(2)
    this.view.setUint16(at, value, true)
  }

  u32(value: number): void {
    const at = this.room(4)
    this.view.setUint32(at, value, true)
  }

  f32(value: number): void {
    const at = this.room(4)
    this.view.setFloat32(at, value, true)
  }

  raw(bytes: Uint8Array): void {
    const at = this.room(bytes.length)
    this.bytes.set(bytes, at)
  }

  /** Characters below 128, one byte each. */
  ascii(text: string): void {
    let at = this.room(text.length)
    for (let i = 0; i < text.length; i++) this.bytes[at++] = text.charCodeAt(i)
  }

  /** So many bytes, each by its two hex digits. */
  hex(text: string, count: number): void {
    let at = this.room(count)
    for (let i = 0; i < 2 * count; i += 2)
      this.bytes[at++] = 16 * digit(text.charCodeAt(i)) + digit(text.charCodeAt(i + 1))
  }

  /** Begins anew, with the same room. */
  clear(): void {
    this.length = 0
  }

  finish(): Uint8Array {
    return this.bytes.slice(0, this.length)
  }
}

/** Reads bytes, little-endian; every read is checked against the end. */
export class Reader {
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  private take(count: number): number {
    const at = this.at
    if (at + count > this.bytes.length) throw badMessage('ends too early')
    this.at = at + count
    return at
  }

  u8(): number {
    return this.view.getUint8(this.take(1))
  }

  /** The next byte, which stays to be read; undefined at the end. */
  peek(): number | undefined {
    return this.bytes[this.at]
  }

  u16(): number {
    return this.view.getUint16(this.take(2), true)
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true)
  }

  f32(): number {
    return this.view.getFloat32(this.take(4), true)
  }

  /** A copy, so that a message does not keep the network's buffer alive. */
  raw(count: number): Uint8Array {
    const at = this.take(count)
    // Not slice(): that of a Node Buffer is a view.
    return new Uint8Array(this.bytes.subarray(at, at + count))
  }

  end(): void {
    if (this.at !== this.bytes.length) throw badMessage('has bytes after its end')
  }
}

/** A whole number from 0 to `max` (at most 255). */
export function u8(max = 0xff): Field<number> {
  return {
    write: (out, value) => out.u8(value),
    read(from) {
      const value = from.u8()
      if (value > max) throw badMessage(`${value} is above ${max}`)
      return value
    },
  }
}

/** A whole number from 0 to `max` (at most 65,535). */
export function u16(max = 0xffff): Field<number> {
  return {
    write: (out, value) => out.u16(value),
    read(from) {
      const value = from.u16()
      if (value > max) throw badMessage(`${value} is above ${max}`)
      return value
    },
  }
}

/** A whole number from 0 to `max` (at most 2^32 − 1). */
export function u32(max = 0xffffffff): Field<number> {
  return {
    write: (out, value) => out.u32(value),
    read(from) {
      const value = from.u32()
      if (value > max) throw badMessage(`${value} is above ${max}`)
      return value
    },
  }
}

/** A moment by a peer's own clock, whole milliseconds below 2^48; writing rounds down and clamps. */
export const instant: Field<number> = {
  write(out, value) {
    const whole = Math.min(Math.max(Math.floor(value), 0), 2 ** 48 - 1)
    out.u32(whole % 2 ** 32)
    out.u16(Math.floor(whole / 2 ** 32))
  },
  read(from) {
    const low = from.u32()
    return low + from.u16() * 2 ** 32
  },
}

/** A finite duration from 0 to `max`, milliseconds, in single precision; writing clamps. */
export function milliseconds(max: number): Field<number> {
  return {
    write: (out, value) => out.f32(Math.min(Math.max(value, 0), max)),
    read(from) {
      const value = from.f32()
      if (!(value >= 0 && value <= max)) throw badMessage(`${value} ms is not from 0 to ${max}`)
      return value
    },
  }
}

/** True or false, one byte. */
export const flag: Field<boolean> = {
  write: (out, value) => out.u8(value ? 1 : 0),
  read(from) {
    const value = from.u8()
    if (value > 1) throw badMessage('a flag is neither 0 nor 1')
    return value === 1
  },
}

/** One of a list of names, written as its index. */
export function choice<const Names extends readonly string[]>(names: Names): Field<Names[number]> {
  return {
    write: (out, value) => out.u8(names.indexOf(value)),
    read(from) {
      const name = names[from.u8()]
      if (name === undefined) throw badMessage(`a choice is none of ${names.join(', ')}`)
      return name
    },
  }
}

/** At most `max` bytes. */
export function bytes(max: number): Field<Uint8Array> {
  return {
    write(out, value) {
      out.u32(value.length)
      out.raw(value)
    },
    read(from) {
      const length = from.u32()
      if (length > max) throw badMessage(`${length} bytes where ${max} are allowed`)
      return from.raw(length)
    },
  }
}

/** 0 to 15, by the code of a lower-case hex digit. */
function digit(code: number): number {
  return code <= 57 ? code - 48 : code - 87
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Exactly `count` bytes, as lower-case hex. */
export function hex<T extends string>(count: number): Field<T> {
  return {
    write: (out, value) => out.hex(value, count),
    read(from) {
      const raw = from.raw(count)
      let text = ''
      for (let i = 0; i < count; i++) text += HEX[raw[i] as number]
      return text as T
    },
  }
}

/** Printable ASCII without spaces (peer ids, multiaddrs), at most `max` (≤ 65,535) characters. */
export function token<T extends string>(max: number): Field<T> {
  return {
    write(out, value) {
      out.u16(value.length)
      out.ascii(value)
    },
    read(from) {
      const length = from.u16()
      if (length > max) throw badMessage(`${length} characters where ${max} are allowed`)
      const raw = from.raw(length)
      for (let i = 0; i < length; i++) {
        const byte = raw[i] as number
        if (byte < 0x21 || byte > 0x7e) throw badMessage('a name is not plain ASCII')
      }
      // Not by spreading: that makes an object of every byte, a quarter of all garbage of a run in the lab.
      return Reflect.apply(String.fromCharCode, undefined, raw) as T
    },
  }
}

/** The value of a field, or nothing: one byte says which. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return {
    write(out, value) {
      flag.write(out, value !== undefined)
      if (value !== undefined) field.write(out, value)
    },
    read: (from) => (flag.read(from) ? field.read(from) : undefined),
  }
}

/** At most `max` (≤ 255) items. */
export function list<T>(item: Field<T>, max: number): Field<readonly T[]> {
  return {
    write(out, values) {
      out.u8(values.length)
      for (const value of values) item.write(out, value)
    },
    read(from) {
      const length = from.u8()
      if (length > max) throw badMessage(`${length} items where ${max} are allowed`)
      return Array.from({ length }, () => item.read(from))
    },
  }
}

type Fields = Readonly<Record<string, Field<never>>>
type Values<Shape> = { readonly [Key in keyof Shape]: Of<Shape[Key]> }

/** Named fields, in the order in which they are listed. */
export function record<const Shape extends Readonly<Record<string, unknown>>>(
  shape: Shape,
): Field<Values<Shape>> {
  const entries = Object.entries(shape as unknown as Fields) as [string, Field<unknown>][]
  return {
    write(out, value) {
      for (const [name, field] of entries)
        field.write(out, (value as Record<string, unknown>)[name])
    },
    read(from) {
      const value: Record<string, unknown> = {}
      for (const [name, field] of entries) value[name] = field.read(from)
      return value as Values<Shape>
    },
  }
}

type Tagged<Shapes, Tag extends string> = {
  [Name in keyof Shapes & string]: { readonly [Key in Tag]: Name } & Of<Shapes[Name]>
}[keyof Shapes & string]

/** One of several records, told apart by the property `tag`. */
export function union<Tag extends string, const Shapes extends Readonly<Record<string, unknown>>>(
  tag: Tag,
  shapes: Shapes,
): Field<Tagged<Shapes, Tag>> {
  const names = Object.keys(shapes)
  const fields = Object.values(shapes) as Field<unknown>[]
  return {
    write(out, value) {
      const at = names.indexOf((value as Record<string, string>)[tag] as string)
      out.u8(at)
      fields[at]?.write(out, value)
    },
    read(from) {
      const at = from.u8()
      const field = fields[at]
      if (field === undefined) throw badMessage(`unknown ${tag} ${at}`)
      return { [tag]: names[at], ...(field.read(from) as object) } as Tagged<Shapes, Tag>
    },
  }
}
