import { ModelError } from './errors.ts'
import { isSha256, type Sha256 } from './hash.ts'
import { MANIFEST_MIXES_MAX } from './limits.ts'

/**
 * Another release of the same shape and classes whose layers may take the place of this one's,
 * layer by layer.
 */
export interface Mix {
  readonly release: Sha256
  /** In arbitrary order with every layer from either of the two at random, 0 … 1, as the publisher measured it. */
  readonly accuracy: number
  /** Of each by itself on the same pictures: this release, and the other. */
  readonly own: number
  readonly other: number
}

function fail(field: string, message: string): never {
  throw new ModelError({ code: 'bad-manifest', field }, `manifest: "${field}" ${message}`)
}

const FIELDS: readonly string[] = ['release', 'accuracy', 'own', 'other']

/** Reads the field `mixes` of a manifest from untrusted data. @throws ModelError `bad-manifest`. */
export function parseMixes(value: unknown): Mix[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > MANIFEST_MIXES_MAX) {
    fail('mixes', `must be a list of 1 to ${MANIFEST_MIXES_MAX} releases`)
  }
  const mixes = value.map((one: unknown, index) => parseMix(`mixes.${index}`, one))
  const twice = mixes.findIndex(
    ({ release }, index) => mixes.findIndex((mix) => mix.release === release) < index,
  )
  if (twice >= 0) fail(`mixes.${twice}.release`, 'is named twice')
  return mixes
}

function parseMix(field: string, value: unknown): Mix {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    fail(field, 'must be an object')
  }
  const source: Record<string, unknown> = { ...value }
  const unknown = Object.keys(source).find((name) => !FIELDS.includes(name))
  if (unknown !== undefined)
    fail(field, `has an unknown field ${JSON.stringify(unknown.slice(0, 40))}`)
  const { release } = source
  if (!isSha256(release)) fail(`${field}.release`, 'must be 64 lower-case hex digits')
  return {
    release,
    accuracy: parseShare(`${field}.accuracy`, source.accuracy),
    own: parseShare(`${field}.own`, source.own),
    other: parseShare(`${field}.other`, source.other),
  }
}

function parseShare(field: string, value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) {
    fail(field, 'must be an accuracy from 0 to 1')
  }
  return value
}
