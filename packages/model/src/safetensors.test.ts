import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelError } from './errors.ts'
import { encodeHalf } from './half.ts'
import { readSafetensors, tensorValues, writeSafetensors } from './safetensors.ts'
import { readStoredTensors, storedValues } from './stored-tensors.ts'
import { utf8Decode, utf8Encode } from './text.ts'

const bytesOf = (array: Float32Array | Uint16Array) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
const f32 = (...values: number[]) =>
  ({ dtype: 'F32', shape: [values.length], data: bytesOf(Float32Array.from(values)) }) as const
const f16 = (...values: number[]) =>
  ({
    dtype: 'F16',
    shape: [values.length],
    data: bytesOf(encodeHalf(Float32Array.from(values))),
  }) as const

/** A file with any text as its header. */
function withHeader(header: string, data = new Uint8Array()): Uint8Array {
  const text = utf8Encode(header)
  const file = new Uint8Array(8 + text.length + data.length)
  new DataView(file.buffer).setUint32(0, text.length, true)
  file.set(text, 8)
  file.set(data, 8 + text.length)
  return file
}

/** Whether every tensor lies inside the file, or a ModelError says why not. */
function readsOrRefuses(file: Uint8Array): boolean {
  try {
    return Object.values(readSafetensors(file).tensors).every(
      (entry) => entry.offset + entry.bytes <= file.length && tensorValues(file, entry).length >= 0,
    )
  } catch (error) {
    return error instanceof ModelError
  }
}

const sample = () =>
  writeSafetensors({ b: f16(0.5, 1.5, -2), a: f32(1, 2, 3), c: f32(4) }, { made: 'here' })

describe('a safetensors file', () => {
  test('gives back the tensors and the metadata that were written', () => {
    const file = sample()
    const { tensors, metadata } = readSafetensors(file)
    expect(metadata).toEqual({ made: 'here' })
    expect(Object.keys(tensors).toSorted()).toEqual(['a', 'b', 'c'])
    const values = Object.entries(tensors).map(([name, entry]) => [
      name,
      [...tensorValues(file, entry)],
    ])
    expect(Object.fromEntries(values)).toEqual({ a: [1, 2, 3], b: [0.5, 1.5, -2], c: [4] })
  })

  test('is the same bytes whatever the order of its tensors, aligned for both dtypes', () => {
    const file = sample()
    const again = writeSafetensors(
      { c: f32(4), a: f32(1, 2, 3), b: f16(0.5, 1.5, -2) },
      { made: 'here' },
    )
    expect(again).toEqual(file)
    const { tensors } = readSafetensors(file)
    expect((tensors.a?.offset ?? 1) % 8).toBe(0)
    expect(tensors.b?.offset).toBeGreaterThan(tensors.c?.offset ?? 1e9)
  })

  test('is read where it lies unaligned in memory', () => {
    const buffer = new Uint8Array([0, ...sample()])
    const file = buffer.subarray(1)
    const { tensors } = readSafetensors(file)
    for (const [name, first] of [['a', 1] as const, ['b', 0.5] as const]) {
      const entry = tensors[name]
      expect(entry && tensorValues(file, entry)[0]).toBe(first)
    }
  })

  test('may name a tensor like a property of every object', () => {
    const { tensors } = readSafetensors(
      withHeader('{"__proto__":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'),
    )
    expect(Object.keys(tensors)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(tensors)).toBe(Object.prototype)
  })
})

describe('a safetensors file of others', () => {
  test('has values of BF16 and F64 too, wherever they lie', () => {
    // 1.5, −2 and 0.15625 as brain floats, which are the upper halves of float32.
    const brain = bytesOf(Uint16Array.of(0x3fc0, 0xc000, 0x3e20))
    const double = new Uint8Array(Float64Array.of(1 / 3, -1e-3).buffer)
    const header =
      '{"b":{"dtype":"BF16","shape":[3],"data_offsets":[0,6]},"d":{"dtype":"F64","shape":[2],"data_offsets":[6,22]}}'
    const file = withHeader(header, Uint8Array.from([...brain, ...double]))
    const { b, d } = readStoredTensors(file).tensors
    if (b === undefined || d === undefined) throw new Error('a tensor is missing')
    expect([...storedValues(file, b, 'b')]).toEqual([1.5, -2, 0.15625])
    expect([...storedValues(file, d, 'd')]).toEqual([Math.fround(1 / 3), Math.fround(-1e-3)])
  })

  test('may hold any type, which is refused where its values are asked for', () => {
    const file = withHeader(
      '{"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}',
      new Uint8Array(8),
    )
    const { n } = readStoredTensors(file).tensors
    if (n === undefined) throw new Error('a tensor is missing')
    expect(() => storedValues(file, n, 'n')).toThrow(
      /tensor "n" has dtype I64; F32, F16, BF16 and F64/,
    )
    expect(() => readSafetensors(file)).toThrow(/only F32 and F16 can be read/)
  })

  test.each([
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n',
      /git lfs pull/,
    ],
    ['a web page', '<!doctype html><html><title>401 Unauthorized</title></html>', /a web page/],
  ])('that is %s is called that', (_what, text, message) => {
    expect(() => readStoredTensors(utf8Encode(text))).toThrow(message)
  })
})

/** What gzip writes begins with a length that a header could have. */
function packed(bytes: number): Uint8Array {
  const file = new Uint8Array(bytes).fill(0x5a)
  file.set([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
  return file
}

function cutOff(headerBytes: number): Uint8Array {
  const file = new Uint8Array(64).fill(0x20)
  file.set([headerBytes & 255, headerBytes >> 8, 0, 0, 0, 0, 0, 0, 0x7b])
  return file
}

describe('a wrong safetensors file', () => {
  const entry = (begin: number, end: number, shape: unknown = [(end - begin) / 4]) =>
    JSON.stringify({ dtype: 'F32', shape, data_offsets: [begin, end] })
  const four = new Uint8Array(4)
  test.each([
    ['that is empty', new Uint8Array(), 'it is empty; copy or download it again'],
    ['cut off at once', new Uint8Array(7), '7 bytes are too few; it is cut off'],
    ['that is packed', packed(64), 'it is packed with gzip: unpack it first'],
    ['that is packed, and long', packed(600_000), 'it is packed with gzip: unpack it first'],
    ['cut off, of a header as long as a pickle begins', cutOff(0x280), 'it ends inside its header'],
    ['whose header never ends', sample().subarray(0, 40), 'it ends inside its header'],
    ['with a huge header', new Uint8Array(8).fill(255), 'its header length is not 2 to'],
    ['without JSON', withHeader('{"a":'), 'its header is not JSON; it is damaged'],
    ['of a list', withHeader('[]'), 'its header is not a JSON object'],
    ['whose data are cut off', sample().subarray(0, -1), 'bytes and has'],
    ['with bytes left over', withHeader('{}', four), '4 bytes follow its last tensor'],
    ['with a gap', withHeader(`{"a":${entry(4, 8)}}`, new Uint8Array(8)), 'are unused'],
    [
      'with an overlap',
      withHeader(`{"a":${entry(0, 4)},"b":${entry(0, 4)}}`, four),
      'tensor "b" overlaps another',
    ],
    ['of a wrong size', withHeader(`{"a":${entry(0, 4, [2])}}`, four), 'needs 8 bytes, its range'],
    ['of negative shape', withHeader(`{"a":${entry(0, 4, [-1])}}`, four), 'has no valid shape'],
    [
      'of unknown dtype',
      withHeader('{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}', four),
      'tensor "a" has dtype BF16; only F32 and F16 can be read',
    ],
    ['of odd metadata', withHeader('{"__metadata__":{"a":1}}'), 'its metadata "a" is not a text'],
    [
      'of a dtype that is no text',
      withHeader('{"a":{"dtype":{"toString":1},"shape":[2],"data_offsets":[0,4]}}', four),
      'tensor "a" has dtype of the type object, which is no name',
    ],
    ['without a range', withHeader('{"a":{"dtype":"F32","shape":[0]}}'), 'no valid "data_offsets"'],
  ])('%s is refused in one line', (_, file, message) => {
    let caught: unknown
    try {
      readSafetensors(file)
    } catch (error) {
      caught = error
    }
    expect(caught).toBeInstanceOf(ModelError)
    expect(caught).toMatchObject({ code: 'bad-safetensors' })
    expect(String(caught)).toContain(message)
    expect(String(caught)).not.toContain('\n')
  })

  test('with any bytes changed is read in bounds or refused with a ModelError', () => {
    const original = sample()
    const change = fc.record({ at: fc.nat(original.length - 1), to: fc.nat(255) })
    const mutations = fc.array(change, { maxLength: 4 })
    fc.assert(
      fc.property(mutations, fc.constantFrom(0, 0, 1, 4, 30), (changes, cut) => {
        const file = original.slice()
        for (const { at, to } of changes) file[at] = to
        expect(readsOrRefuses(file.subarray(0, file.length - cut))).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test('cannot be written from data that do not fit the shape', () => {
    const wrong = { ...f32(1, 2), shape: [3] }
    expect(() => writeSafetensors({ wrong })).toThrow('does not have 8 bytes')
  })
})

describe('text', () => {
  test('survives encoding, with a byte order mark and beyond ASCII', () => {
    for (const text of ['', 'schön', '\uFEFFx', '𝕏']) {
      expect(utf8Decode(utf8Encode(text))).toBe(text)
    }
  })

  test('of bytes that are not UTF-8 is refused', () => {
    expect(() => utf8Decode(Uint8Array.of(0xff))).toThrow(TypeError)
  })
})
