import { ModelError } from './errors.ts'

/** How a picture becomes the input of the stem. */
export interface Preprocessing {
  /** Height and width in pixels; the spec's `imageSize`. */
  readonly size: number
  /** 1 (luminance) or 3 (red, green, blue); the spec's `channels`. */
  readonly channels: number
  /** Per channel, on a scale from 0 to 1: value ↦ (value − mean) / std. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
  /** `light` when the model learned light objects on black, so that dark ones must be inverted. */
  readonly foreground: 'light' | 'any'
}

/** Parses untrusted data. @throws ModelError `bad-manifest` naming the first wrong field. */
export function parsePreprocessing(value: unknown): Preprocessing {
  if (typeof value !== 'object' || value === null) fail('', 'must be an object')
  const source: Record<string, unknown> = { ...value }
  const { size, channels, foreground } = source
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 4 || size > 1024) {
    fail('size', 'must be a whole number from 4 to 1024')
  }
  if (channels !== 1 && channels !== 3) fail('channels', 'must be 1 or 3')
  if (foreground !== 'light' && foreground !== 'any') fail('foreground', 'must be "light" or "any"')
  const mean = numbers(source, 'mean', channels, (x) => x >= 0 && x <= 1, 'from 0 to 1')
  const std = numbers(source, 'std', channels, (x) => x >= 1e-3 && x <= 10, 'from 0.001 to 10')
  const known = ['size', 'channels', 'mean', 'std', 'foreground']
  const unknown = Object.keys(source).find((field) => !known.includes(field))
  if (unknown !== undefined) fail(unknown.slice(0, 40), 'is not a field of it')
  return { size, channels, mean, std, foreground }
}

function numbers(
  source: Record<string, unknown>,
  field: string,
  length: number,
  fits: (value: number) => boolean,
  range: string,
): number[] {
  const values = source[field]
  const good =
    Array.isArray(values) &&
    values.length === length &&
    values.every((value): value is number => typeof value === 'number' && fits(value))
  if (!good) fail(field, `must be ${length} number${length > 1 ? 's' : ''} ${range}`)
  return [...values]
}

function fail(name: string, message: string): never {
  const field = name === '' ? 'preprocessing' : `preprocessing.${name}`
  throw new ModelError({ code: 'bad-manifest', field }, `manifest: "${field}" ${message}`)
}
