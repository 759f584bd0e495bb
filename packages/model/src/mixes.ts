import type { Sha256 } from './hash.ts'
import { MANIFEST_MIXES_MAX } from './limits.ts'
import { fail, parseAccuracy, parseDigest, parseFields } from './manifest-fields.ts'

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
  const { release, accuracy, own, other } = parseFields(field, value, FIELDS)
  return {
    release: parseDigest(`${field}.release`, release),
    accuracy: parseAccuracy(`${field}.accuracy`, accuracy),
    own: parseAccuracy(`${field}.own`, own),
    other: parseAccuracy(`${field}.other`, other),
  }
}
