import {
  ACTIVATION_DTYPES,
  activationBytes,
  decodeActivation,
  encodeActivation,
  imageTensor,
  joinCheckpoint,
  type Manifest,
  type ModelSpec,
  manifestBytes,
  type Part,
  type Preprocessing,
  parseHuggingFaceConfig,
  parseHuggingFaceLabels,
  parseHuggingFacePreprocessor,
  parseIdx,
  parseManifest,
  parseModelSpec,
  parseOrder,
  parsePreprocessing,
  parseReceipt,
  parseSha256,
  partsOf,
  partValues,
  type Receipt,
  randomModel,
  randomPart,
  readSafetensors,
  readStoredTensors,
  receiptText,
  releaseId,
  signManifest,
  splitCheckpoint,
  storedValues,
  tensorValues,
  verifyManifest,
  writeSafetensors,
} from '@layerswarm/model'
import { decodeHalf, encodeHalf } from '../../../packages/model/src/half.ts'
import { decode, encode, jsonOf, parsed, REFUSED, refusing, same, type Target } from '../target.ts'

/** A model of a few hundred numbers. */
export const TINY_SPEC: ModelSpec = {
  variant: 'shuffle',
  imageSize: 4,
  patchSize: 4,
  channels: 1,
  width: 4,
  layers: 2,
  heads: 1,
  mlpWidth: 4,
  classes: 2,
  layerNormEps: 1e-6,
}

export const TINY_PREPROCESSING: Preprocessing = {
  size: 4,
  channels: 1,
  mean: [0.5],
  std: [0.5],
  foreground: 'light',
}

/** Ways to fit a picture. */
const WAYS: readonly Partial<Preprocessing>[] = [
  {},
  { resize: { mode: 'none' } },
  { resize: { mode: 'stretch', height: 9, width: 3, filter: 'lanczos' } },
  { resize: { mode: 'shortest-edge', edge: 5, filter: 'bicubic' }, foreground: 'dark' },
  { resize: { mode: 'letterbox', fill: 'mean', filter: 'hamming' }, foreground: 'any' },
]

const HASH = 'ab'.repeat(32)

/** A release of the tiny model, signed, with what was measured of it. */
export const tinyManifest = (
  measured: Pick<Manifest, 'rounds' | 'novelty' | 'mixes' | 'layerFiles'> = {},
) =>
  signManifest(
    {
      format: 'layerswarm-release/1',
      name: 'tiny',
      spec: TINY_SPEC,
      preprocessing: TINY_PREPROCESSING,
      labels: ['a cat', 'none'],
      parts: partsOf(TINY_SPEC).map((part) => ({
        part,
        sha256: parseSha256(HASH),
        bytes: 8,
        dtype: 'float32' as const,
      })),
      training: {
        recipe: parseSha256(HASH),
        seed: 1,
        images: 10,
        createdAt: '2026-11-23T20:21:00Z',
        report: parseSha256(HASH),
      },
      ...measured,
    },
    new Uint8Array(32).fill(7),
  )

/** A whole model file of the tiny model. */
export const tinyCheckpoint = () => joinCheckpoint(TINY_SPEC, randomModel(TINY_SPEC, 1))

const tinyReceipt = (): Receipt => ({
  format: 'layerswarm-receipt/1',
  release: parseSha256(HASH),
  name: 'tiny',
  createdAt: '2026-11-23T20:21:00Z',
  wireDtype: 'float16',
  image: { shape: [1, 1, 2, 2], data: Float32Array.of(0, 0.5, 1, -1) },
  runs: [
    {
      route: [{ layer: 1, peer: '12D3KooW', backend: 'ort-node', ms: 1.5 }],
      missingLayers: [0],
      logits: [0.25, -1],
      probabilities: [0.7, 0.3],
      totalMs: 12,
    },
  ],
})

const SAFETENSORS_FAULTS = [
  'bad-safetensors',
  'missing-tensor',
  'extra-tensor',
  'bad-shape',
] as const
const file = (name: string) => `packages/model/src/${name}`

/** What a document says of itself is read by a function that gives the same for what it gave. */
function document(
  name: string,
  covers: readonly string[],
  codes: readonly string[],
  parse: (value: unknown) => unknown,
  seeds: () => readonly unknown[],
): Target {
  return {
    name,
    covers,
    kind: 'json',
    seeds: () => seeds().map(jsonOf),
    run(input) {
      const given = parsed(input)
      if (given === REFUSED) return REFUSED
      const value = refusing({ ModelError: codes }, () => parse(given))
      if (value !== REFUSED) same(parse(value), value, 'is read differently a second time')
      return value
    },
  }
}

/** The header's JSON, and behind it a line break and how many bytes follow in the file. */
function safetensorsFile(input: Uint8Array): Uint8Array {
  const value = parsed(input)
  const { $bytes: said } = Object(value)
  const size = typeof said === 'number' ? said : Number.NaN
  const body = size >= 0 && size < 4_096 ? Math.floor(size) : 48
  const made = new Uint8Array(8 + input.length + body)
  new DataView(made.buffer).setUint32(0, input.length, true)
  made.set(input, 8)
  return made
}

function readTensors(bytes: Uint8Array): unknown {
  const anyType = refusing({ ModelError: ['bad-safetensors'] }, () => readStoredTensors(bytes))
  if (anyType === REFUSED) return REFUSED
  for (const [name, entry] of Object.entries(anyType.tensors)) {
    if (entry.offset + entry.bytes > bytes.length) throw new Error('a tensor beyond its file')
    refusing({ ModelError: ['bad-safetensors'] }, () => storedValues(bytes, entry, name))
  }
  const header = refusing({ ModelError: ['bad-safetensors'] }, () => readSafetensors(bytes))
  if (header === REFUSED) return REFUSED
  const tensors = Object.fromEntries(
    Object.entries(header.tensors).map(([name, { dtype, shape, offset, bytes: size }]) => {
      if (offset + size > bytes.length) throw new Error('a tensor beyond the end of its file')
      tensorValues(bytes, { dtype, shape, offset, bytes: size })
      return [name, { dtype, shape, data: bytes.subarray(offset, offset + size) }]
    }),
  )
  const written = writeSafetensors(tensors, header.metadata)
  same(writeSafetensors(tensors, header.metadata), written, 'is not written alike twice')
  const again = readSafetensors(written)
  same(Object.keys(again.tensors).toSorted(), Object.keys(tensors).toSorted(), 'lost a tensor')
  same(again.metadata, header.metadata, 'lost its metadata')
  return header
}

export const MODEL_TARGETS: readonly Target[] = [
  {
    name: 'model/idx',
    covers: [file('idx.ts#parseIdx')],
    kind: 'bytes',
    share: 3,
    seeds: () => [
      Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 5, 6),
      Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4),
    ],
    run(input) {
      const value = refusing({ ModelError: ['bad-idx'] }, () => parseIdx(input))
      if (value === REFUSED) return REFUSED
      const elements = value.shape.reduce((product, size) => product * size, 1)
      same(value.data.length, elements, 'a shape that its data do not have')
      return value
    },
  },
  {
    name: 'model/safetensors',
    covers: [file('safetensors.ts#readSafetensors'), file('stored-tensors.ts#readStoredTensors')],
    kind: 'bytes',
    share: 2,
    seeds: () => [
      writeSafetensors({ a: { dtype: 'F32', shape: [2], data: new Uint8Array(8) } }, { k: 'v' }),
      writeSafetensors({ b: { dtype: 'F16', shape: [1, 3], data: new Uint8Array(6) } }),
    ],
    run: readTensors,
  },
  {
    name: 'model/safetensors-header',
    covers: [file('safetensors.ts#readSafetensors')],
    kind: 'json',
    seeds: () =>
      [
        {
          __metadata__: { format: 'pt' },
          a: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
          b: { dtype: 'BF16', shape: [8], data_offsets: [16, 32] },
          c: { dtype: 'F64', shape: [2], data_offsets: [32, 48] },
        },
        { $bytes: 0, a: { dtype: 'F32', shape: [0], data_offsets: [0, 0] } },
      ].map(jsonOf),
    run: (input) => readTensors(safetensorsFile(input)),
  },
  {
    name: 'model/part-file',
    covers: [file('part-file.ts#checkPart'), file('part-file.ts#splitCheckpoint')],
    kind: 'bytes',
    share: 0.3,
    seeds: () => [
      tinyCheckpoint(),
      ...randomModel(TINY_SPEC, 2).values(),
      ...(['I8', 'I4'] as const).map((dtype) => randomPart(TINY_SPEC, 0, 2, dtype)),
    ],
    run(input) {
      // Values too: of quantised ones they are worked out from two tensors.
      refusing({ ModelError: SAFETENSORS_FAULTS }, () => partValues(TINY_SPEC, 0, input))
      const parts = refusing({ ModelError: SAFETENSORS_FAULTS }, () =>
        splitCheckpoint(input, TINY_SPEC),
      )
      if (parts === REFUSED) return REFUSED
      const joined = joinCheckpoint(TINY_SPEC, parts as ReadonlyMap<Part, Uint8Array>)
      same(splitCheckpoint(joined, TINY_SPEC), parts, 'is split differently after it was joined')
      return parts
    },
  },
  {
    name: 'model/manifest',
    covers: [
      file('manifest.ts#parseManifest'),
      file('grouping.ts#parseGrouping'),
      file('novelty.ts#parseNovelty'),
      file('mixes.ts#parseMixes'),
      file('manifest-fields.ts#parseObject'),
      file('manifest-fields.ts#parseFields'),
      file('manifest-fields.ts#parseDigest'),
      file('manifest-fields.ts#parseCount'),
      file('manifest-fields.ts#parseAccuracy'),
      file('layer-files.ts#parseLayerFiles'),
    ],
    kind: 'json',
    seeds: () => [
      manifestBytes(tinyManifest()),
      manifestBytes(tinyManifest({ rounds: { '1+1': 0.5, '2': 0.25 } })),
      manifestBytes(
        tinyManifest({
          novelty: { score: 'flatness', images: 9, falseAlarms: 0.05, thresholds: { '1': -1.5 } },
          mixes: [{ release: parseSha256(HASH), accuracy: 0.9, own: 0.91, other: 0.9 }],
        }),
      ),
      manifestBytes(
        tinyManifest({
          layerFiles: [
            {
              ...{ dtype: 'int4', accuracy: 0.9, own: 0.91, apart: 0.05 },
              files: [1, 2].map((bytes) => ({ sha256: parseSha256(HASH), bytes })),
            },
          ],
        }),
      ),
    ],
    run(input) {
      const documented = { ModelError: ['bad-manifest', 'bad-spec'] }
      const value = refusing(documented, () => parseManifest(input))
      if (value === REFUSED) return REFUSED
      const bytes = manifestBytes(value)
      same(parseManifest(bytes), value, 'is another after it was stored')
      same(manifestBytes(parseManifest(bytes)), bytes, 'has two canonical forms')
      return value
    },
  },
  {
    name: 'model/signed-manifest',
    covers: [file('manifest.ts#verifyManifest')],
    kind: 'json',
    // A check of Ed25519 in plain JavaScript takes some milliseconds.
    share: 0.002,
    seeds: () => [manifestBytes(tinyManifest())],
    run(input) {
      const manifest = refusing({ ModelError: ['bad-manifest', 'bad-spec'] }, () =>
        parseManifest(input),
      )
      if (manifest === REFUSED) return REFUSED
      const verified = refusing({ ModelError: ['bad-signature'] }, () => {
        verifyManifest(manifest)
        return releaseId(manifest)
      })
      if (verified !== REFUSED && verified !== releaseId(tinyManifest()))
        throw new Error('a manifest that nobody signed')
      return verified
    },
  },
  document('model/spec', [file('spec.ts#parseModelSpec')], ['bad-spec'], parseModelSpec, () => [
    TINY_SPEC,
  ]),
  document(
    'model/preprocessing',
    [file('preprocessing.ts#parsePreprocessing')],
    ['bad-manifest'],
    parsePreprocessing,
    () => [
      TINY_PREPROCESSING,
      { ...TINY_PREPROCESSING, channels: 3 },
      { ...TINY_PREPROCESSING, resize: { mode: 'stretch', height: 5, width: 4, filter: 'box' } },
      {
        ...TINY_PREPROCESSING,
        rescale: 1,
        resize: { mode: 'shortest-edge', edge: 5, filter: 'area' },
      },
    ],
  ),
  {
    name: 'model/hugging-face-preprocessor',
    covers: [file('hugging-face-preprocessor.ts#parseHuggingFacePreprocessor')],
    kind: 'json',
    seeds: () => [
      jsonOf({ size: 4, resample: 3, image_mean: [0.5, 0.5, 0.5], rescale_factor: 0.0078 }),
      jsonOf({ image_processor_type: 'CLIPImageProcessor', size: { shortest_edge: 5 } }),
    ],
    run: (input) =>
      refusing({ ModelError: ['bad-spec', 'bad-manifest'] }, () =>
        parseHuggingFacePreprocessor(parsed(input), { imageSize: 4, channels: 3 }),
      ),
  },
  {
    name: 'model/hugging-face-config',
    covers: [
      file('hugging-face-config.ts#parseHuggingFaceConfig'),
      file('hugging-face-config.ts#parseHuggingFaceLabels'),
    ],
    kind: 'json',
    seeds: () => [
      jsonOf({
        ...{ image_size: 4, patch_size: 4, num_channels: 1, hidden_size: 4 },
        ...{ num_hidden_layers: 2, num_attention_heads: 1, intermediate_size: 4 },
        ...{ layer_norm_eps: 1e-6, hidden_act: 'gelu', qkv_bias: true },
        ...{ layershuffle_variant: 'shuffle', id2label: { 0: 'a', 1: 'b' } },
      }),
    ],
    run(input) {
      const given = parsed(input)
      if (given === REFUSED) return REFUSED
      const documented = { ModelError: ['bad-spec'] }
      const spec = refusing(documented, () => parseHuggingFaceConfig(given))
      const labels = refusing(documented, () => parseHuggingFaceLabels(given))
      if (spec === REFUSED || labels === REFUSED) return REFUSED
      same(labels.length, spec.classes, 'more labels than classes, or fewer')
      return { spec, labels }
    },
  },
  {
    name: 'model/receipt',
    covers: [file('receipt.ts#parseReceipt')],
    kind: 'json',
    seeds: () => [encode(receiptText(tinyReceipt()))],
    run(input) {
      const given = parsed(input)
      if (given === REFUSED) return REFUSED
      const documented = { ModelError: ['bad-receipt', 'wrong-hash'] }
      const value = refusing(documented, () => parseReceipt(given))
      if (value === REFUSED) return REFUSED
      const again = parseReceipt(JSON.parse(receiptText(value)))
      same(again, value, 'is another after it was stored')
      return value
    },
  },
  {
    name: 'model/sha256',
    covers: [file('hash.ts#parseSha256')],
    kind: 'text',
    seeds: () => [encode(HASH)],
    run: (input) => refusing({ ModelError: ['bad-hash'] }, () => parseSha256(decode(input))),
  },
  {
    name: 'model/order',
    covers: [file('forward.ts#parseOrder')],
    kind: 'text',
    seeds: () => ['0,1', '1', ' 1 , 0'].map(encode),
    run(input) {
      const order = refusing({ ModelError: ['bad-order'] }, () =>
        parseOrder(decode(input), TINY_SPEC),
      )
      if (order !== REFUSED) same(parseOrder(order.join(), TINY_SPEC), order, 'is read differently')
      return order
    },
  },
  {
    name: 'model/activation',
    covers: [file('activation.ts#decodeActivation'), file('half.ts#decodeHalf')],
    kind: 'bytes',
    share: 4,
    seeds: () =>
      ACTIVATION_DTYPES.map((dtype, at) => {
        const size = activationBytes(dtype, [1, 2, 3])
        return Uint8Array.of(at, 1, 0, 2, 0, 3, 0, ...new Uint8Array(size).fill(1))
      }),
    run(input) {
      const [at = 0, b = 0, b2 = 0, t = 0, t2 = 0, c = 0, c2 = 0] = input
      const shape = [b + 256 * b2, t + 256 * t2, c + 256 * c2] as const
      const dtype = ACTIVATION_DTYPES[at % 4] ?? ('float64' as 'float32')
      // Unaligned, as it comes from a network.
      const bytes = input.subarray(7)
      const tensor = refusing({ ModelError: ['bad-activation'] }, () =>
        decodeActivation({ dtype, shape, bytes }),
      )
      if (tensor === REFUSED) return REFUSED
      const again = encodeActivation(tensor, dtype)
      if (dtype !== 'int8') same(again.bytes, bytes, 'other bytes for the same values')
      if (dtype === 'float16') {
        const halves = encodeHalf(tensor.data)
        same(decodeHalf(halves), tensor.data, 'halves lose what they hold')
      }
      return tensor
    },
  },
  {
    name: 'model/pixels',
    covers: [file('image.ts#imageTensor')],
    kind: 'bytes',
    share: 0.5,
    seeds: () => [Uint8Array.of(1, 0, 1, 0, 9, 9, 9, 255), Uint8Array.of(0, 0, 1, 0)],
    run(input) {
      const [w = 0, w2 = 0, h = 0, h2 = 0] = input
      const pixels = { width: w + 256 * w2, height: h + 256 * h2, data: input.subarray(4) }
      // A way of its own by the length, so that all are tried.
      const preprocessing = { ...TINY_PREPROCESSING, ...WAYS[input.length % WAYS.length] }
      const tensor = refusing({ ModelError: ['bad-picture'] }, () =>
        imageTensor(pixels, preprocessing),
      )
      if (tensor !== REFUSED && !tensor.data.every(Number.isFinite))
        throw new Error('a value that is not finite')
      return tensor
    },
  },
]
