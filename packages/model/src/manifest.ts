import { ed25519 } from '@noble/curves/ed25519.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { canonicalJson, type Json } from './canonical-json.ts'
import { ModelError } from './errors.ts'
import { foreignFile } from './foreign-file.ts'
import { parseGrouping } from './grouping.ts'
import { type Sha256, sha256 } from './hash.ts'
import { labelFault } from './label.ts'
import { type LayerDtype, type LayerFiles, parseLayerFiles } from './layer-files.ts'
import {
  MANIFEST_BYTES_MAX,
  MANIFEST_GROUPINGS_MAX,
  NAME_LETTERS_MAX,
  PART_BYTES_MAX,
} from './limits.ts'
import { fail, parseAccuracy, parseCount, parseDigest, parseFields } from './manifest-fields.ts'
import { type Mix, parseMixes } from './mixes.ts'
import { type Novelty, parseNovelty } from './novelty.ts'
import { type Preprocessing, parsePreprocessing } from './preprocessing.ts'
import { type ModelSpec, type Part, parseModelSpec, partsOf } from './spec.ts'
import { utf8Decode, utf8Encode } from './text.ts'

/** What a manifest calls its own format; a changed meaning of any field gets another number. */
export const MANIFEST_FORMAT = 'layerswarm-release/1'

/** One file of a release, found by its hash. */
export interface ManifestPart {
  readonly part: Part
  readonly sha256: Sha256
  /** Size of the file. */
  readonly bytes: number
  /** How the file stores its values; they are computed in float32 either way. */
  readonly dtype: 'float32' | 'float16'
}

/** What made the model. */
export interface Training {
  /** Digest of the recipe: of the training run, the import or the merge. */
  readonly recipe: Sha256
  /** Of the training, or of the draw of layers in a merge. */
  readonly seed: number
  /** Images seen in training, counting every epoch. */
  readonly images: number
  /** ISO 8601 in UTC, "2026-11-23T20:21:00Z" or with milliseconds. */
  readonly createdAt: string
  /** Digest of the evaluation report. */
  readonly report: Sha256
}

/** A release before its publisher has signed it. */
export interface UnsignedManifest {
  readonly format: typeof MANIFEST_FORMAT
  /** Lower-case letters, digits, ".", "_" and "-". */
  readonly name: string
  readonly spec: ModelSpec
  readonly preprocessing: Preprocessing
  /** One per class. */
  readonly labels: readonly string[]
  /** In the order of `partsOf(spec)`. */
  readonly parts: readonly ManifestPart[]
  readonly training: Training
  /**
   * Accuracy by grouping, 0 … 1: each for layers in arbitrary order, as the publisher measured it.
   * Missing where nothing was measured.
   */
  readonly rounds?: Readonly<Record<string, number>>
  /** From when on a picture is unlike what it was trained on; missing where that was not measured. */
  readonly novelty?: Novelty
  /** Releases whose layers may stand in for those of this one; missing where none was measured. */
  readonly mixes?: readonly Mix[]
  /** Smaller files of its layers, the largest first; missing where each has one file only. */
  readonly layerFiles?: readonly LayerFiles[]
}

/** Any file of a release. */
export interface ReleaseFile extends Omit<ManifestPart, 'dtype'> {
  readonly dtype: LayerDtype
}

/** A published model: everything a peer must know before it fetches a part. */
export interface Manifest extends UnsignedManifest {
  /** Ed25519 public key, 64 hex digits. */
  readonly publisher: string
  /** Ed25519 signature of the canonical JSON of all other fields, 128 hex digits. */
  readonly signature: string
}

/** Every file of a release: those of its parts in their order, then the smaller ones of its layers. */
export function filesOf({
  parts,
  layerFiles = [],
}: Pick<Manifest, 'parts' | 'layerFiles'>): readonly ReleaseFile[] {
  const smaller = layerFiles.flatMap(({ dtype, files }) =>
    files.map((file, layer): ReleaseFile => ({ ...file, part: layer, dtype })),
  )
  return [...parts, ...smaller]
}

/** How far the outputs of one layer may be apart by the file that is loaded; 0 where there is one only. */
export function fileDistanceOf({ layerFiles = [] }: Pick<Manifest, 'layerFiles'>): number {
  return layerFiles.reduce((most, { apart }) => Math.max(most, apart), 0)
}

/** The name of a release in the swarm: the hash of its canonical signed manifest. */
export type ReleaseId = Sha256

/** The text that is hashed and, without the signature, signed. */
function canonical(manifest: UnsignedManifest | Omit<Manifest, 'signature'> | Manifest): string {
  // Parsed or typed data: numbers, texts, arrays and plain objects only.
  return canonicalJson(manifest as unknown as Json)
}

/** The bytes in which a manifest is stored and sent; `releaseId` is their hash. */
export function manifestBytes(manifest: Manifest): Uint8Array {
  return utf8Encode(canonical(manifest))
}

/** The id of a release: the SHA-256 of `manifestBytes`, which covers the signature too. */
export function releaseId(manifest: Manifest): ReleaseId {
  return sha256(manifestBytes(manifest))
}

/** @param privateKey 32 random bytes. @returns the public key in hex, as in `publisher`. */
export function publisherOf(privateKey: Uint8Array): string {
  return bytesToHex(ed25519.getPublicKey(privateKey))
}

/**
 * Signs a release. @param privateKey 32 random bytes.
 * @throws ModelError `bad-manifest` when what it would sign could not be parsed.
 */
export function signManifest(unsigned: UnsignedManifest, privateKey: Uint8Array): Manifest {
  const named = { ...unsigned, publisher: publisherOf(privateKey) }
  // Before it is signed: what has no canonical text is refused by the name of its field.
  const checked = parseManifest({ ...named, signature: '0'.repeat(128) })
  const signature = bytesToHex(ed25519.sign(utf8Encode(canonical(named)), privateKey))
  return { ...checked, signature }
}

/** @throws ModelError `bad-signature` unless the publisher signed exactly this manifest. */
export function verifyManifest(manifest: Manifest): void {
  const { signature, ...named } = manifest
  let valid = false
  try {
    valid = ed25519.verify(
      hexToBytes(signature),
      utf8Encode(canonical(named)),
      hexToBytes(named.publisher),
      // RFC 8032 to the letter, not the laxer ZIP 215.
      { zip215: false },
    )
  } catch {
    // A key that is no point of the curve: as invalid as a wrong signature.
  }
  if (!valid) {
    throw new ModelError(
      { code: 'bad-signature' },
      `manifest: the signature of "${named.name}" is not its publisher's; do not run this release`,
    )
  }
}

/**
 * Parses a manifest from untrusted bytes (JSON) or data. It does not check the signature:
 * `verifyManifest` does. @throws ModelError `bad-manifest` or `bad-spec` naming the first wrong field.
 */
export function parseManifest(value: unknown): Manifest {
  const source = parseFields('manifest', value instanceof Uint8Array ? parseJson(value) : value, [
    'format',
    'name',
    'spec',
    'preprocessing',
    'labels',
    'parts',
    'training',
    'rounds',
    'novelty',
    'mixes',
    'layerFiles',
    'publisher',
    'signature',
  ])
  if (source.format !== MANIFEST_FORMAT) fail('format', `must be "${MANIFEST_FORMAT}"`)
  const spec = parseModelSpec(source.spec)
  const preprocessing = parsePreprocessing(source.preprocessing)
  if (preprocessing.size !== spec.imageSize) {
    fail('preprocessing.size', `must be the spec's imageSize, ${spec.imageSize}`)
  }
  if (preprocessing.channels !== spec.channels) {
    fail('preprocessing.channels', `must be the spec's channels, ${spec.channels}`)
  }
  const parts = parseParts(source.parts, spec)
  return {
    format: MANIFEST_FORMAT,
    name: parseName(source.name),
    spec,
    preprocessing,
    labels: parseLabels(source.labels, spec),
    parts,
    training: parseTraining(source.training),
    ...(source.rounds === undefined ? {} : { rounds: parseRounds(source.rounds, spec) }),
    ...(source.novelty === undefined ? {} : { novelty: parseNovelty(source.novelty) }),
    ...(source.mixes === undefined ? {} : { mixes: parseMixes(source.mixes) }),
    ...(source.layerFiles === undefined
      ? {}
      : { layerFiles: parseLayerFiles(source.layerFiles, spec, layerDtypeOf(parts)) }),
    publisher: parseHex('publisher', source.publisher, 64),
    signature: parseHex('signature', source.signature, 128),
  }
}

function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length > MANIFEST_BYTES_MAX) {
    fail('manifest', `is longer than ${MANIFEST_BYTES_MAX} bytes`)
  }
  try {
    return JSON.parse(utf8Decode(bytes))
  } catch {
    const foreign = foreignFile(bytes)
    const what = foreign === undefined ? 'it may be cut off; copy it again' : `it is ${foreign}`
    throw new ModelError(
      { code: 'bad-manifest', field: 'manifest' },
      `manifest.json is not JSON: ${what}`,
    )
  }
}

function parseName(value: unknown): string {
  if (!isReleaseName(value)) {
    fail('name', `must be 1 to ${NAME_LETTERS_MAX} of a-z, 0-9, ".", "_", "-"`)
  }
  return value
}

/** Whether a manifest may have this as its name: such a text reads the same wherever it is shown. */
export function isReleaseName(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= NAME_LETTERS_MAX &&
    /^[a-z0-9][a-z0-9._-]*$/.test(value)
  )
}

function parseLabels(value: unknown, spec: ModelSpec): string[] {
  if (!Array.isArray(value) || value.length !== spec.classes) {
    fail('labels', `must be a list of ${spec.classes} texts, one per class`)
  }
  return value.map((label: unknown, index) => {
    const fault = labelFault(label)
    if (fault !== undefined) fail(`labels.${index}`, fault)
    return String(label)
  })
}

function parseParts(value: unknown, spec: ModelSpec): ManifestPart[] {
  const parts = partsOf(spec)
  if (!Array.isArray(value) || value.length !== parts.length) {
    fail('parts', `must be a list of ${parts.length}: stem, head and ${spec.layers} layers`)
  }
  return parts.map((part, index) => {
    const field = `parts.${index}`
    const source = parseFields(field, value[index], ['part', 'sha256', 'bytes', 'dtype'])
    if (source.part !== part) fail(`${field}.part`, `must be ${JSON.stringify(part)}`)
    const { dtype } = source
    if (dtype !== 'float32' && dtype !== 'float16') {
      fail(`${field}.dtype`, 'must be "float32" or "float16"')
    }
    return {
      part,
      sha256: parseDigest(`${field}.sha256`, source.sha256),
      bytes: parseCount(`${field}.bytes`, source.bytes, 1, PART_BYTES_MAX),
      dtype,
    }
  })
}

/** How the parts of a release store their layers: the smallest of them, where they differ. */
function layerDtypeOf(parts: readonly ManifestPart[]): ManifestPart['dtype'] {
  return parts.some(({ part, dtype }) => typeof part === 'number' && dtype === 'float16')
    ? 'float16'
    : 'float32'
}

function parseTraining(value: unknown): Training {
  const fields = ['recipe', 'seed', 'images', 'createdAt', 'report']
  const source = parseFields('training', value, fields)
  const { createdAt } = source
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/
  if (typeof createdAt !== 'string' || !time.test(createdAt)) {
    fail('training.createdAt', 'must be a time like "2026-11-23T20:21:00Z"')
  }
  return {
    recipe: parseDigest('training.recipe', source.recipe),
    seed: parseCount('training.seed', source.seed, 0, Number.MAX_SAFE_INTEGER),
    images: parseCount('training.images', source.images, 0, Number.MAX_SAFE_INTEGER),
    createdAt,
    report: parseDigest('training.report', source.report),
  }
}

function parseRounds(value: unknown, spec: ModelSpec): Record<string, number> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    fail('rounds', 'must be an object of accuracies by grouping')
  }
  const entries = Object.entries(value).map(([text, accuracy]): [string, number] => {
    checkGrouping(text, spec)
    return [text, parseAccuracy(`rounds.${text}`, accuracy)]
  })
  if (entries.length < 1 || entries.length > MANIFEST_GROUPINGS_MAX) {
    fail('rounds', `must name 1 to ${MANIFEST_GROUPINGS_MAX} groupings`)
  }
  return Object.fromEntries(entries)
}

function checkGrouping(text: string, spec: ModelSpec): void {
  try {
    parseGrouping(text, spec.layers)
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    fail('rounds', `names something else: ${error.message}`)
  }
}

function parseHex(field: string, value: unknown, digits: number): string {
  if (typeof value !== 'string' || value.length !== digits || !/^[0-9a-f]*$/.test(value)) {
    fail(field, `must be ${digits} lower-case hex digits`)
  }
  return value
}
