import {
  type Filter,
  ModelError,
  type ModelSpec,
  PICTURE_SIDE_PIXELS_MAX,
  type Preprocessing,
  parsePreprocessing,
  type Resize,
} from '@layerswarm/model'
import { failConfig, inWords, recordOf } from './config-fault.ts'

/** timm's names of Pillow's filters. */
const FILTERS = ['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos'] as const

/** What timm takes where config.json is silent (timm/data/config.py, timm/data/constants.py). */
const DEFAULTS = {
  interpolation: 'bicubic',
  crop_pct: 0.875,
  crop_mode: 'center',
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
} as const

/**
 * What config.json of timm says of pictures: in `pretrained_cfg`, or beside the other fields, as
 * timm wrote it before. @throws ModelError `bad-spec` naming the first field that cannot be followed.
 */
export function timmPreprocessing(
  config: unknown,
  { imageSize, channels }: Pick<ModelSpec, 'imageSize' | 'channels'>,
): Preprocessing {
  const told = pretrainedOf(config)
  const mean = told.mean ?? DEFAULTS.mean.slice(0, channels)
  const std = told.std ?? DEFAULTS.std.slice(0, channels)
  const resize = resizeOf(told, imageSize)
  const whole = { size: imageSize, channels, mean, std, foreground: 'any', resize }
  try {
    return parsePreprocessing(whole)
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    const [, field = '', reason = error.message] =
      /^manifest: "preprocessing\.(\w+)" (.*)$/.exec(error.message) ?? []
    return failConfig(field, `"${field}" ${reason}`)
  }
}

/**
 * The fields that timm tells of its weights. @throws ModelError `bad-spec` when they are not an object.
 */
export function pretrainedOf(config: unknown): Readonly<Record<string, unknown>> {
  const told = recordOf(config)
  const inner = told.pretrained_cfg ?? told
  if (typeof inner === 'object' && !Array.isArray(inner)) return { ...inner }
  return failConfig('pretrained_cfg', `"pretrained_cfg" is ${inWords(inner)}, not an object`)
}

/**
 * The side that is scaled so that the middle square of `crop_pct` of it is seen: the shorter one, or
 * with `squash` both.
 */
function resizeOf(told: Readonly<Record<string, unknown>>, size: number): Resize {
  // timm takes nothing, an empty text and 0 as silence.
  const mode = told.crop_mode || DEFAULTS.crop_mode
  if (mode !== 'center' && mode !== 'squash') {
    failConfig(
      'crop_mode',
      `"crop_mode" is ${inWords(mode)}; only "center" and "squash" can be followed`,
    )
  }
  const filter = filterOf(told.interpolation || DEFAULTS.interpolation)
  const share = told.crop_pct || DEFAULTS.crop_pct
  if (typeof share !== 'number' || !(share > 0)) {
    failConfig('crop_pct', `"crop_pct" is ${inWords(share)}, not a number above 0`)
  }
  const edge = Math.floor(size / share)
  if (edge < 1 || edge > PICTURE_SIDE_PIXELS_MAX) {
    failConfig(
      'crop_pct',
      `"crop_pct" is ${share}: pictures would be resized to ${edge} pixels, and 1 to ${PICTURE_SIDE_PIXELS_MAX} can be followed`,
    )
  }
  return mode === 'center'
    ? { mode: 'shortest-edge', edge, filter }
    : { mode: 'stretch', height: edge, width: edge, filter }
}

function filterOf(name: unknown): Filter {
  const known = FILTERS.find((one) => one === name)
  return (
    known ??
    failConfig(
      'interpolation',
      `"interpolation" is ${inWords(name)}; only ${FILTERS.join(', ')} can be followed`,
    )
  )
}
