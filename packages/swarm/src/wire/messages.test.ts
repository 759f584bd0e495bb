import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SwarmError } from '../errors.ts'
import {
  ACTIVATION_BYTES_MAX,
  BARRED_MAX,
  ERAS_MAX,
  INLINE_BYTES_MAX,
  LANES_MAX,
  LAYERS_MAX,
  MESSAGE_BYTES_MAX,
  SILENT_MAX,
} from '../limits.ts'
import {
  decodeMessage,
  encodeMessage,
  kindOf,
  type Message,
  type PeerId,
  type RequestId,
  type TensorHash,
} from './messages.ts'

const hexes = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((raw) => Array.from(raw, (byte) => byte.toString(16).padStart(2, '0')).join(''))
const layer = fc.integer({ min: 0, max: LAYERS_MAX - 1 })
const ms = fc.float({ min: 0, max: 30_000, noNaN: true })
const peer = fc.string({
  unit: fc.constantFrom(...'12D3KooWabcXYZ'),
  minLength: 1,
  maxLength: 64,
}) as fc.Arbitrary<PeerId>
const request = hexes(16) as fc.Arbitrary<RequestId>
const backend = fc.constantFrom('reference', 'ort-node', 'ort-wasm', 'ort-webgpu', 'tfjs-webgpu')
const dtype = fc.constantFrom('float32', 'float16', 'int8')
const size = fc.integer({ min: 0, max: 65_535 })
const shape = { dtype, batch: size, tokens: size, width: size }
const activation = fc.oneof(
  fc.record({ place: fc.constant('inline'), ...shape, bytes: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({
    place: fc.constant('held'),
    ...shape,
    hash: hexes(32) as fc.Arbitrary<TensorHash>,
    size: fc.integer({ min: 0, max: ACTIVATION_BYTES_MAX }),
    holder: peer,
  }),
)
const weights = hexes(32)
const hop = fc.record(
  { layer, peer, backend, ms, weights },
  { requiredKeys: ['layer', 'peer', 'backend', 'ms'] },
)
const signature = hexes(64)
const instant = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const barred = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: BARRED_MAX })
const link = fc.record({
  hop: fc.integer({ min: 0, max: LAYERS_MAX }),
  by: fc.option(peer, { nil: undefined }),
  isOpen: fc.boolean(),
  tensor: fc.option(hexes(32) as fc.Arbitrary<TensorHash>, { nil: undefined }),
  signature,
})
const era = fc.integer({ min: 0, max: ERAS_MAX })
const message = fc.oneof(
  fc.record({
    kind: fc.constant('step'),
    request,
    requester: peer,
    endsAtMs: instant,
    era,
    route: fc.array(hop, { maxLength: 12 }),
    chain: fc.array(link, { maxLength: 12 }),
    plan: fc.array(layer, { maxLength: 12 }),
    activation,
    input: fc.option(hexes(32) as fc.Arbitrary<TensorHash>, { nil: undefined }),
    next: fc.option(peer, { nil: undefined }),
    silent: fc.array(peer, { maxLength: SILENT_MAX }),
    barred,
    isPrivate: fc.boolean(),
    remainingMs: ms,
  }),
  fc.record({
    kind: fc.constant('claim'),
    request,
    era,
    hop: layer,
    layer,
    ttlMs: ms,
    lost: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('again'),
    request,
    era,
    hop: layer,
    suspect: fc.option(peer, { nil: undefined }),
    barred,
    signature,
  }),
  fc.record({ kind: fc.constant('done'), request, isPublic: fc.boolean() }),
  fc.record({ kind: fc.constant('hint'), about: peer }),
  fc.record({
    kind: fc.constant('presence'),
    release: hexes(32),
    lane: fc.integer({ min: 0, max: LANES_MAX - 1 }),
    sequence: fc.nat(),
    clockMs: instant,
    layers: fc.array(layer, { maxLength: 12 }),
    freeSlots: fc.integer({ min: 0, max: 255 }),
    links: size,
    layerMs: ms,
    measured: fc.boolean(),
    upload: size,
    download: size,
    strangersFail: fc.integer({ min: 0, max: 255 }),
    near: fc.array(fc.record({ tag: size, way: fc.integer({ min: 0, max: 255 }) }), {
      maxLength: 30,
    }),
    backend,
    addresses: fc.option(
      fc.array(fc.constantFrom('/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2/ws'), {
        maxLength: 8,
      }),
      { nil: undefined },
    ),
    asking: fc.boolean(),
    leaving: fc.boolean(),
    moving: fc.boolean(),
  }),
) as fc.Arbitrary<Message>

/** What reading does with any bytes: a message, or a refusal by this package; anything else is a defect. */
function read(bytes: Uint8Array): Message | SwarmError {
  try {
    return decodeMessage(bytes)
  } catch (error) {
    if (error instanceof SwarmError && error.code === 'bad-message') return error
    throw error
  }
}

describe('a message', () => {
  test('is read back as it was written', () => {
    fc.assert(
      fc.property(message, (value) => {
        expect(decodeMessage(encodeMessage(value))).toEqual(value)
      }),
    )
  })

  test('is of the kind that its first bytes say', () => {
    fc.assert(
      fc.property(message, (value) => {
        expect(kindOf(encodeMessage(value))).toBe(value.kind)
      }),
    )
    for (const bytes of [[], [3], [3, 200]]) expect(kindOf(Uint8Array.from(bytes))).toBeUndefined()
  })

  test('made of random bytes is read or refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void read(bytes)),
      { numRuns: 2_000 },
    )
  })

  test('with any byte changed, cut or added is read or refused, and nothing else', () => {
    const damage = fc.tuple(
      message,
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom('change', 'cut', 'add'),
    )
    fc.assert(
      fc.property(damage, ([value, where, byte, how]) => {
        const whole = encodeMessage(value)
        const at = where % whole.length
        if (how === 'cut') return void expect(read(whole.slice(0, at))).toBeInstanceOf(SwarmError)
        if (how === 'add')
          return void expect(read(Uint8Array.of(...whole, byte))).toBeInstanceOf(SwarmError)
        whole[at] = byte
        void read(whole)
      }),
      { numRuns: 1_000 },
    )
  })

  test('keeps its own copy of the bytes it was read from', () => {
    const step: Message = {
      kind: 'step',
      request: '00'.repeat(16) as RequestId,
      requester: 'a' as PeerId,
      endsAtMs: 2 ** 40 + 5,
      era: 0,
      route: [],
      chain: [],
      plan: [],
      activation: {
        place: 'inline',
        dtype: 'int8',
        batch: 1,
        tokens: 1,
        width: 1,
        bytes: Uint8Array.of(7),
      },
      input: undefined,
      next: undefined,
      silent: [],
      barred: [],
      isPrivate: false,
      remainingMs: 5,
    }
    /** Like a Node Buffer, whose slices are views. */
    class Viewing extends Uint8Array {
      override slice(start?: number, end?: number) {
        return this.subarray(start, end)
      }
    }
    const bytes = new Viewing([...encodeMessage(step)])
    const decoded = decodeMessage(bytes)
    bytes.fill(0)
    expect(decoded).toEqual(step)
  })

  test.each([
    [
      'an inline tensor above its bound',
      new Uint8Array(MESSAGE_BYTES_MAX + 1).fill(1),
      `${MESSAGE_BYTES_MAX} are allowed`,
    ],
    ['another version of the protocol', Uint8Array.of(9), 'protocol version 9, this peer speaks 5'],
    ['the protocol before', Uint8Array.of(4, 3), 'protocol version 4, this peer speaks 5'],
    ['nothing', new Uint8Array(0), 'ends too early'],
    ['an unknown kind', Uint8Array.of(5, 77), 'unknown kind 77'],
  ])('that is %s is refused with a line that says so', (_what, bytes, line) => {
    expect(() => decodeMessage(bytes)).toThrow(line)
  })

  test('cannot declare more inline bytes than the limit', () => {
    const step: Message = {
      kind: 'step',
      request: '00'.repeat(16) as RequestId,
      requester: 'a' as PeerId,
      endsAtMs: 2 ** 40 + 5,
      era: 0,
      route: [],
      chain: [],
      plan: [],
      activation: {
        place: 'inline',
        dtype: 'int8',
        batch: 1,
        tokens: 1,
        width: 1,
        bytes: new Uint8Array(INLINE_BYTES_MAX + 1),
      },
      input: undefined,
      next: undefined,
      silent: [],
      barred: [],
      isPrivate: false,
      remainingMs: 5,
    }
    expect(() => decodeMessage(encodeMessage(step))).toThrow(`${INLINE_BYTES_MAX} are allowed`)
  })
})
