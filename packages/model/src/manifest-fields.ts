import { ModelError } from './errors.ts'
import { isSha256, type Sha256 } from './hash.ts'

/** @throws ModelError `bad-manifest`, always. */
export function fail(field: string, message: string): never {
  throw new ModelError({ code: 'bad-manifest', field }, `manifest: "${field}" ${message}`)
}

/** An object of any fields. @throws ModelError `bad-manifest`. */
export function parseObject(field: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    fail(field, 'must be an object')
  }
  return { ...value }
}

/**
 * An object with no field beyond the known ones, because an unknown one would escape the signature.
 * @throws ModelError `bad-manifest`.
 */
export function parseFields(
  field: string,
  value: unknown,
  known: readonly string[],
): Record<string, unknown> {
  const source = parseObject(field, value)
  const unknown = Object.keys(source).find((name) => !known.includes(name))
  if (unknown !== undefined)
    fail(field, `has an unknown field ${JSON.stringify(unknown.slice(0, 40))}`)
  return source
}

/** @throws ModelError `bad-manifest`. */
export function parseDigest(field: string, value: unknown): Sha256 {
  if (!isSha256(value)) fail(field, 'must be 64 lower-case hex digits')
  return value
}

/** @throws ModelError `bad-manifest`. */
export function parseCount(field: string, value: unknown, low: number, high: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
    fail(field, `must be a whole number from ${low} to ${high}`)
  }
  return value
}

/** A share of pictures that are named rightly. @throws ModelError `bad-manifest`. */
export function parseAccuracy(field: string, value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) {
    fail(field, 'must be an accuracy from 0 to 1')
  }
  return value
}
