import { ModelError } from './errors.ts'
import { DEVIATION_MAX, DEVIATION_MIN, PICTURE_SIDE_PIXELS_MAX, RESCALE_MAX } from './limits.ts'

/**
 * Filters by Pillow's names; all but `nearest` widen with the shrink factor, so that no pixel of
 * the picture is left out. `area` weighs each pixel by the share of it that is covered.
 */
export const FILTERS = [
  'nearest',
  'box',
  'bilinear',
  'hamming',
  'bicubic',
  'lanczos',
  'area',
] as const

/** One of `FILTERS`. */
export type Filter = (typeof FILTERS)[number]

/** What lies around a picture that does not fill the square: a grey, or the mean colour of the release. */
export type Fill = 'black' | 'white' | 'mean'

/**
 * How a picture becomes a square of `size` pixels. What is larger than the square after `none`,
 * `stretch` or `shortest-edge` is cut around its centre, what is smaller lies on black.
 */
export type Resize =
  | { readonly mode: 'none' }
  /** To exactly these sides, pixels; proportions are not kept. */
  | {
      readonly mode: 'stretch'
      readonly height: number
      readonly width: number
      readonly filter: Filter
    }
  /** The shorter side to `edge` pixels, the longer one in proportion, truncated. */
  | { readonly mode: 'shortest-edge'; readonly edge: number; readonly filter: Filter }
  /** The longer side to `size` pixels, the shorter one in proportion, and `fill` around it. */
  | { readonly mode: 'letterbox'; readonly fill: Fill; readonly filter: Filter }

/** How a picture becomes the input of the stem. */
export interface Preprocessing {
  /** Height and width in pixels; the spec's `imageSize`. */
  readonly size: number
  /** 1 (luminance) or 3 (red, green, blue); the spec's `channels`. */
  readonly channels: number
  /** Per channel: byte ↦ (byte · rescale − mean) / std. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
  /**
   * What the model learned: `light` objects on dark ground, `dark` ones on light ground, or `any`.
   * Pictures of the other kind, as `foregroundOf` tells them, are inverted; with `any` none is.
   */
  readonly foreground: 'light' | 'dark' | 'any'
  /** By default a letterbox by area, as all releases before version 0.2 have it: see `resizeOf`. */
  readonly resize?: Resize
  /** What bytes are multiplied by; 1/255 by default. */
  readonly rescale?: number
}

/** The resize of a release that names none: its training saw images of its own size only. */
export function resizeOf({
  resize,
  foreground,
}: Pick<Preprocessing, 'resize' | 'foreground'>): Resize {
  const fill = foreground === 'light' ? 'black' : foreground === 'dark' ? 'white' : 'mean'
  return resize ?? { mode: 'letterbox', fill, filter: 'area' }
}

/** Parses untrusted data. @throws ModelError `bad-manifest` naming the first wrong field. */
export function parsePreprocessing(value: unknown): Preprocessing {
  if (typeof value !== 'object' || value === null) fail('', 'must be an object')
  const source: Record<string, unknown> = { ...value }
  const { size, channels, foreground } = source
  if (!isWhole(size, 4)) fail('size', `must be a whole number from 4 to ${PICTURE_SIDE_PIXELS_MAX}`)
  if (channels !== 1 && channels !== 3) fail('channels', 'must be 1 or 3')
  if (foreground !== 'light' && foreground !== 'dark' && foreground !== 'any')
    fail('foreground', 'must be "light", "dark" or "any"')
  const rescale = parseRescale(source.rescale)
  const white = Math.max(1, 255 * (rescale ?? 0))
  const [low, high] = [DEVIATION_MIN, DEVIATION_MAX * white]
  const mean = numbers(source, 'mean', channels, (x) => x >= 0 && x <= white, `from 0 to ${white}`)
  const std = numbers(
    source,
    'std',
    channels,
    (x) => x >= low && x <= high,
    `from ${low} to ${high}`,
  )
  checkFields('', source, ['size', 'channels', 'mean', 'std', 'foreground', 'resize', 'rescale'])
  return {
    ...{ size, channels, mean, std, foreground },
    // A field that is not there is none in what is signed either.
    ...(source.resize === undefined ? {} : { resize: parseResize(source.resize) }),
    ...(rescale === undefined ? {} : { rescale }),
  }
}

function parseRescale(value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && value > 0 && value <= RESCALE_MAX) return value
  return fail('rescale', `must be a number above 0 and at most ${RESCALE_MAX}`)
}

function parseResize(value: unknown): Resize {
  if (typeof value !== 'object' || value === null) fail('resize', 'must be an object')
  const source: Record<string, unknown> = { ...value }
  const { mode, filter, fill, height, width, edge } = source
  const side = (name: string, pixels: unknown): number =>
    isWhole(pixels, 1)
      ? pixels
      : fail(`resize.${name}`, `must be a whole number from 1 to ${PICTURE_SIDE_PIXELS_MAX}`)
  const known = (): Filter =>
    FILTERS.find((one) => one === filter) ??
    fail('resize.filter', `must be one of ${FILTERS.join(', ')}`)
  const only = (...fields: string[]): void => checkFields('resize', source, ['mode', ...fields])
  switch (mode) {
    case 'none':
      only()
      return { mode }
    case 'stretch':
      only('height', 'width', 'filter')
      return {
        mode,
        height: side('height', height),
        width: side('width', width),
        filter: known(),
      }
    case 'shortest-edge':
      only('edge', 'filter')
      return { mode, edge: side('edge', edge), filter: known() }
    case 'letterbox':
      only('fill', 'filter')
      if (fill !== 'black' && fill !== 'white' && fill !== 'mean')
        fail('resize.fill', 'must be "black", "white" or "mean"')
      return { mode, fill, filter: known() }
    default:
      return fail('resize.mode', 'must be "none", "stretch", "shortest-edge" or "letterbox"')
  }
}

function isWhole(value: unknown, low: number): value is number {
  return (
    typeof value === 'number' &&
    Number.isInteger(value) &&
    value >= low &&
    value <= PICTURE_SIDE_PIXELS_MAX
  )
}

function checkFields(of: string, source: Record<string, unknown>, known: readonly string[]): void {
  const unknown = Object.keys(source).find((field) => !known.includes(field))
  if (unknown === undefined) return
  fail([of, unknown.slice(0, 40)].filter((name) => name !== '').join('.'), 'is not a field of it')
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
