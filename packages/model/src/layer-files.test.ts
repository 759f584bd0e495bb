import { describe, expect, test } from 'vitest'
import { parseSha256, sha256 } from './hash.ts'
import { type LayerDtype, parseLayerFiles } from './layer-files.ts'
import {
  fileDistanceOf,
  filesOf,
  MANIFEST_FORMAT,
  type Manifest,
  type ManifestPart,
  manifestBytes,
  parseManifest,
  releaseId,
  signManifest,
  type UnsignedManifest,
  verifyManifest,
} from './manifest.ts'
import { parseModelSpec, partsOf } from './spec.ts'
import { utf8Decode, utf8Encode } from './text.ts'

const LAYERS = 2
const hash = parseSha256('5'.repeat(64))
const file = { sha256: hash, bytes: 100 }
const int8 = { dtype: 'int8', accuracy: 0.9, own: 0.91, apart: 0.003, files: [file, file] } as const
const int4 = { ...int8, dtype: 'int4', apart: 0.05 } as const

function parsed(value: unknown, largest: LayerDtype = 'float16') {
  return parseLayerFiles(value, { layers: LAYERS }, largest)
}

describe('the small files of layers', () => {
  test('are read as they are, float16 only beside float32', () => {
    expect(parsed([{ ...int8 }, { ...int4 }])).toEqual([int8, int4])
    const half = { ...int8, dtype: 'float16' }
    expect(parsed([half, int4], 'float32')).toEqual([half, int4])
    expect(() => parsed([half])).toThrow('"layerFiles.0.dtype" must be of int8, int4')
  })

  test.each([
    ['layerFiles', []],
    ['layerFiles', {}],
    ['layerFiles', [int8, int4, int4]],
    ['layerFiles.0', [7]],
    ['layerFiles.0', [{ ...int8, note: 1 }]],
    ['layerFiles.0.dtype', [{ ...int8, dtype: 'float64' }]],
    ['layerFiles.1.dtype', [int4, int8]],
    ['layerFiles.1.dtype', [int8, int8]],
    ['layerFiles.0.accuracy', [{ ...int8, accuracy: 1.1 }]],
    ['layerFiles.0.own', [{ ...int8, own: undefined }]],
    ['layerFiles.0.apart', [{ ...int8, apart: 0.2 }]],
    ['layerFiles.0.apart', [{ ...int8, apart: Number.NaN }]],
    ['layerFiles.0.files', [{ ...int8, files: [file] }]],
    ['layerFiles.0.files.1', [{ ...int8, files: [file, { ...file, layer: 1 }] }]],
    ['layerFiles.0.files.1.sha256', [{ ...int8, files: [file, { ...file, sha256: 'x' }] }]],
    ['layerFiles.0.files.0.bytes', [{ ...int8, files: [{ ...file, bytes: 0 }, file] }]],
  ])('are refused by the name of the field: %s', (field, value) => {
    expect(() => parsed(value)).toThrow(`manifest: "${field}" `)
  })
})

describe('a release with small files', () => {
  const spec = parseModelSpec({
    ...{ variant: 'shuffle', imageSize: 8, patchSize: 4, channels: 1, width: 8, layers: LAYERS },
    ...{ heads: 2, mlpWidth: 12, classes: 2, layerNormEps: 1e-6 },
  })
  const digest = sha256(utf8Encode('a document'))
  const parts = partsOf(spec).map(
    (part): ManifestPart => ({ part, sha256: digest, bytes: 9, dtype: 'float16' }),
  )
  const training = { seed: 1, images: 1, createdAt: '2026-11-23T20:21:00Z', report: digest }
  const unsigned: UnsignedManifest = {
    format: MANIFEST_FORMAT,
    ...{ name: 'small', spec, labels: ['a', 'b'], parts },
    preprocessing: { size: 8, channels: 1, mean: [0.5], std: [0.25], foreground: 'light' },
    training: { ...training, recipe: digest },
  }
  const key = new Uint8Array(32).fill(3)
  const small: Manifest = signManifest({ ...unsigned, layerFiles: [int8, int4] }, key)

  test('names all of them under one signature', () => {
    const read = parseManifest(manifestBytes(small))
    verifyManifest(read)
    expect(read).toEqual(small)
    expect(filesOf(read).map(({ part, dtype }) => `${part} ${dtype}`)).toEqual([
      ...['stem float16', 'head float16', '0 float16', '1 float16'],
      ...['0 int8', '1 int8', '0 int4', '1 int4'],
    ])
    expect(fileDistanceOf(read)).toBe(0.05)
    const other = { ...small, layerFiles: [{ ...int4, files: [file, { ...file, bytes: 101 }] }] }
    expect(() => verifyManifest(parseManifest(other))).toThrow('is not its publisher')
  })

  test('is another release than the same one without, whose bytes are as they were', () => {
    const plain = signManifest(unsigned, key)
    expect(utf8Decode(manifestBytes(plain))).not.toContain('layerFiles')
    expect(releaseId(parseManifest(manifestBytes(plain)))).toBe(releaseId(plain))
    expect(releaseId(plain)).not.toBe(releaseId(small))
    expect(fileDistanceOf(plain)).toBe(0)
    expect(filesOf(plain)).toEqual(parts)
  })
})
