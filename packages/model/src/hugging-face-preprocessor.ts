import { ModelError } from './errors.ts'
import { SHADE_SHARE_MIN } from './limits.ts'
import {
  type Filter,
  type Preprocessing,
  parsePreprocessing,
  type Resize,
} from './preprocessing.ts'
import type { ModelSpec } from './spec.ts'

/** What a processor does where its document is silent. */
interface Defaults {
  readonly resample: number
  readonly do_center_crop: boolean
  /** By default the model's own size. */
  readonly size?: unknown
  readonly mean: readonly number[]
  readonly std: readonly number[]
  /** Whether a bare number means a square, not a shortest edge. */
  readonly isSquare: boolean
}

const HALVES = [0.5, 0.5, 0.5]
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const
const CLIP = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
} as const

const VIT: Defaults = {
  ...{ resample: 2, do_center_crop: false, isSquare: true },
  ...{ mean: HALVES, std: HALVES },
}
const DEIT: Defaults = {
  ...{ resample: 3, do_center_crop: true, size: 256, isSquare: true },
  ...IMAGENET,
}
const SHORTEST_EDGE: Defaults = {
  ...{ resample: 3, do_center_crop: true, size: 224, isSquare: false },
  ...CLIP,
}

/**
 * By the name of the class without `ImageProcessor`, `FeatureExtractor` and `Fast`; the defaults are
 * those of transformers 4.57 (src/transformers/models/.../image_processing_....py).
 */
const PROCESSORS: Readonly<Record<string, Defaults>> = {
  ViT: VIT,
  DeiT: DEIT,
  Bit: SHORTEST_EDGE,
  CLIP: SHORTEST_EDGE,
  ViTHybrid: SHORTEST_EDGE,
}

/** By Pillow's numbers. */
const RESAMPLE: readonly Filter[] = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming']

/** Fields that are read. */
const READ = [
  ...['do_resize', 'size', 'resample', 'do_center_crop', 'crop_size'],
  ...['do_rescale', 'rescale_factor', 'do_normalize', 'image_mean', 'image_std'],
  ...['image_processor_type', 'feature_extractor_type'],
]

/**
 * Fields that change no pixel: a picture is red, green and blue in any case, and the others say where
 * and how the processor computes.
 */
const WITHOUT_EFFECT = [
  ...['do_convert_rgb', 'processor_class', '_processor_class', '_valid_processor_keys'],
  ...['data_format', 'input_data_format', 'return_tensors', 'device', 'auto_map'],
  ...['disable_grouping', 'image_seq_length', '_name_or_path', 'transformers_version'],
]

/**
 * Reads a `preprocessor_config.json` of Hugging Face (of ViT, DeiT, BiT or CLIP processors), field by
 * field. @param value undefined where there is none, which means ViT's defaults.
 * @throws ModelError `bad-spec` naming the first field that cannot be followed; `bad-manifest`.
 */
export function parseHuggingFacePreprocessor(
  value: unknown,
  { imageSize, channels }: Pick<ModelSpec, 'imageSize' | 'channels'>,
): Preprocessing {
  const given = fieldsOf(value)
  const defaults = defaultsOf(given)
  const unknown = Object.keys(given).find(
    (name) => !READ.includes(name) && !WITHOUT_EFFECT.includes(name) && isSaid(given[name]),
  )
  if (unknown !== undefined) fail(unknown, 'is not known, so its effect cannot be followed')
  const crops = flag(given, 'do_center_crop', defaults.do_center_crop)
  if (crops) checkCrop(given.crop_size, imageSize)
  const mode = flag(given, 'do_resize', true)
    ? resizeOf(given, defaults, imageSize, crops)
    : ({ mode: 'none' } as const)
  if (mode.mode === 'none' && !crops)
    fail('do_resize', `is false without "do_center_crop": pictures would keep their sizes`)
  return checked({
    ...{ size: imageSize, channels, foreground: 'any', resize: mode },
    ...rescaleOf(given),
    ...normalisationOf(given, defaults, channels),
  })
}

/** Within the bounds of a manifest too. */
function checked(preprocessing: Preprocessing): Preprocessing {
  try {
    return parsePreprocessing(preprocessing)
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    const reason = `preprocessor_config.json does not fit the model (${error.message})`
    throw new ModelError(error.fault, reason)
  }
}

type Fields = Readonly<Record<string, unknown>>

function fail(field: string, message: string): never {
  throw new ModelError(
    { code: 'bad-spec', field },
    `preprocessor_config.json: "${field.slice(0, 40)}" ${message}`,
  )
}

function fieldsOf(value: unknown): Fields {
  if (value === undefined) return {}
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new ModelError({ code: 'bad-spec', field: '' }, 'preprocessor_config.json is not an object')
}

/** Whether a field asks for something: null, false and nothing do not. */
function isSaid(value: unknown): boolean {
  return value !== null && value !== undefined && value !== false
}

function defaultsOf(given: Fields): Defaults {
  // The older document names the older class; where both stand, the newer one reads it.
  const field = isSaid(given.image_processor_type)
    ? 'image_processor_type'
    : 'feature_extractor_type'
  const type = given[field]
  if (!isSaid(type)) return VIT
  const said = typeof type === 'string' ? type : ''
  const name = said.replace(/(ImageProcessor|FeatureExtractor)(Fast)?$/, '')
  const known = Object.hasOwn(PROCESSORS, name) ? PROCESSORS[name] : undefined
  const names = Object.keys(PROCESSORS).join(', ')
  return known ?? fail(field, `is ${inWords(type)}; processors of ${names} can be followed`)
}

function flag(given: Fields, field: string, otherwise: boolean): boolean {
  const value = given[field] ?? otherwise
  return typeof value === 'boolean' ? value : fail(field, `is ${inWords(value)}, not true or false`)
}

/** Sides in any of the shapes in which processors write them. */
type Sides = { readonly height: number; readonly width: number } | { readonly edge: number }

function sidesOf(field: string, value: unknown, isSquare: boolean): Sides {
  if (typeof value === 'number') {
    return isSquare ? { height: value, width: value } : { edge: value }
  }
  const source: Fields = Array.isArray(value)
    ? { height: value[0], width: value[1] }
    : typeof value === 'object'
      ? { ...value }
      : {}
  const said = Object.keys(source).filter((name) => isSaid(source[name]))
  const { height, width, shortest_edge: edge } = source
  if (said.toSorted().join() === 'height,width') {
    if (typeof height === 'number' && typeof width === 'number') return { height, width }
  }
  if (said.join() === 'shortest_edge' && typeof edge === 'number') return { edge }
  const strange = said.find((name) => !['height', 'width', 'shortest_edge'].includes(name))
  if (strange !== undefined) fail(`${field}.${strange}`, 'cannot be followed')
  return fail(field, 'must be a number, height and width, or shortest_edge')
}

function resizeOf(given: Fields, defaults: Defaults, imageSize: number, crops: boolean): Resize {
  const sides = sidesOf('size', given.size ?? defaults.size ?? imageSize, defaults.isSquare)
  const number = given.resample ?? defaults.resample
  const filter = typeof number === 'number' ? RESAMPLE[number] : undefined
  if (filter === undefined) fail('resample', `is ${inWords(number)}, not one of Pillow's 0 to 5`)
  if ('edge' in sides) {
    if (!crops)
      fail('size.shortest_edge', 'without "do_center_crop" gives pictures that are not square')
    return { mode: 'shortest-edge', edge: sides.edge, filter }
  }
  if (!crops && (sides.height !== imageSize || sides.width !== imageSize)) {
    fail(
      'size',
      `is ${sides.height} × ${sides.width} pixels; the model sees ${imageSize} × ${imageSize}`,
    )
  }
  return { mode: 'stretch', ...sides, filter }
}

function checkCrop(value: unknown, imageSize: number): void {
  const sides = sidesOf('crop_size', value ?? imageSize, true)
  if ('edge' in sides) fail('crop_size.shortest_edge', 'cannot be followed')
  if (sides.height === imageSize && sides.width === imageSize) return
  fail(
    'crop_size',
    `is ${sides.height} × ${sides.width} pixels; the model sees ${imageSize} × ${imageSize}`,
  )
}

/** Nothing where bytes become 0 to 1, as they do by default. */
function rescaleOf(given: Fields): { rescale?: number } {
  if (!flag(given, 'do_rescale', true)) return { rescale: 1 }
  const factor = given.rescale_factor ?? 1 / 255
  if (typeof factor !== 'number' || !(factor > 0))
    return fail('rescale_factor', `is ${inWords(factor)}, not a number above 0`)
  return Math.abs(factor * 255 - 1) < SHADE_SHARE_MIN ? {} : { rescale: factor }
}

function normalisationOf(
  given: Fields,
  defaults: Defaults,
  channels: number,
): { mean: number[]; std: number[] } {
  if (!flag(given, 'do_normalize', true)) {
    return { mean: Array(channels).fill(0), std: Array(channels).fill(1) }
  }
  const read = (field: string, otherwise: readonly number[]): number[] => {
    const value: unknown = given[field] ?? otherwise.slice(0, channels)
    // A bare number holds for all channels.
    const list = typeof value === 'number' ? Array.from({ length: channels }, () => value) : value
    const isGood =
      Array.isArray(list) &&
      list.length === channels &&
      list.every((one): one is number => typeof one === 'number')
    return isGood ? [...list] : fail(field, `is not ${channels} numbers, one per channel`)
  }
  return { mean: read('image_mean', defaults.mean), std: read('image_std', defaults.std) }
}

/** A value of a document in an error: nobody knows how deep or long it is. */
function inWords(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40))
  return typeof value === 'number' ? String(value) : `of the type ${typeof value}`
}
