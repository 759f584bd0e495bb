import { failConfig, inWords } from './config-fault.ts'

/** What the tensors of a checkpoint tell of its shape. */
export interface TimmShape {
  /** Pixels of a side of the picture and of a patch. */
  readonly imageSize: number
  readonly patchSize: number
  readonly channels: number
  readonly width: number
  readonly layers: number
  readonly mlpWidth: number
  /** Undefined for a backbone. */
  readonly classes: number | undefined
}

/** Arguments of timm's VisionTransformer that are those of a plain ViT with these values only. */
const PLAIN: Readonly<Record<string, readonly unknown[]>> = {
  global_pool: ['token'],
  qkv_bias: [true],
  proj_bias: [true],
  qk_norm: [false],
  scale_attn_norm: [false],
  scale_mlp_norm: [false],
  init_values: [],
  class_token: [true],
  pos_embed: ['learn'],
  no_embed_class: [false],
  reg_tokens: [0],
  pre_norm: [false],
  final_norm: [true],
  fc_norm: [false],
  pool_include_prefix: [false],
  norm_layer: ['layernorm'],
  act_layer: ['gelu'],
  use_naflex: [false],
}

/**
 * Arguments that change no answer: of training, of its start, and of pictures of other sizes; and
 * heads, which are read elsewhere.
 */
const WITHOUT_EFFECT = [
  ...['drop_rate', 'pos_drop_rate', 'patch_drop_rate', 'proj_drop_rate', 'attn_drop_rate'],
  ...['drop_path_rate', 'weight_init', 'fix_init', 'dynamic_img_size', 'dynamic_img_pad'],
  ...['strict_img_size', 'device', 'dtype', 'num_heads'],
]

/**
 * Makes sure that config.json of timm asks for a plain ViT, of the shape that the tensors have.
 * @throws ModelError `bad-spec` naming the first argument, or the word of the model's name, that
 * does otherwise.
 */
export function checkPlain(
  { architecture, model_args: given }: Readonly<Record<string, unknown>>,
  shape: TimmShape,
): void {
  checkName(architecture)
  if (given === undefined || given === null) return
  if (typeof given !== 'object' || Array.isArray(given)) {
    failConfig('model_args', `"model_args" is ${inWords(given)}, not an object`)
  }
  const shaped = shapedArguments(shape)
  for (const [name, value] of Object.entries(given)) {
    // timm leaves its default in place of null.
    if (value !== null && !WITHOUT_EFFECT.includes(name)) checkArgument(name, value, shaped)
  }
}

function checkArgument(
  name: string,
  value: unknown,
  shaped: Readonly<Record<string, Shaped>>,
): void {
  const field = `model_args.${name.slice(0, 40)}`
  const is = `"${field}" is ${inWords(value)}`
  const plain = Object.hasOwn(PLAIN, name) ? PLAIN[name] : undefined
  const told = Object.hasOwn(shaped, name) ? shaped[name] : undefined
  if (plain !== undefined) {
    if (plain.includes(value)) return
    const only = plain.length === 0 ? 'a model without it' : JSON.stringify(plain[0])
    failConfig(field, `${is}; only ${only} can be run`)
  }
  if (told === undefined)
    failConfig(field, `"${field}" is not known, so its effect cannot be followed`)
  if (!told.isFit(value))
    failConfig(field, `${is}, the tensors of the checkpoint say ${told.wanted}`)
}

interface Shaped {
  /** What the tensors say. */
  readonly wanted: number
  isFit(value: unknown): boolean
}

/** Arguments that the tensors tell too; a side may stand as a pair. */
function shapedArguments(shape: TimmShape): Readonly<Record<string, Shaped>> {
  const number = (wanted: number): Shaped => ({ wanted, isFit: (value) => value === wanted })
  const side = (wanted: number): Shaped => ({
    wanted,
    isFit: (value) =>
      value === wanted ||
      (Array.isArray(value) && value.length === 2 && value.every((one) => one === wanted)),
  })
  const { width, mlpWidth, classes } = shape
  return {
    img_size: side(shape.imageSize),
    patch_size: side(shape.patchSize),
    in_chans: number(shape.channels),
    embed_dim: number(width),
    depth: number(shape.layers),
    num_classes: number(classes ?? 0),
    mlp_ratio: {
      wanted: mlpWidth / width,
      // Whole after the multiplication, as timm has it.
      isFit: (value) => typeof value === 'number' && Math.trunc(width * value) === mlpWidth,
    },
  }
}

/**
 * Words in the names of plain ViTs and DeiTs of timm, whatever they were trained on. All others that
 * timm has (clip, quickgelu, siglip, reg4, gap, dinov2, ...) stand for a model that runs otherwise.
 */
const PLAIN_WORDS = [
  /^(vit|deit|tiny|small|base|large|huge|giant|gigantic|distilled)$/,
  /^(patch\d+|\d+|in21k|dino|mae|sam)$/,
]

function checkName(name: unknown): void {
  if (typeof name !== 'string') return
  // What follows a dot says what it was trained on.
  const [model = ''] = name.split('.')
  const other = model.split('_').find((word) => !PLAIN_WORDS.some((plain) => plain.test(word)))
  if (other === undefined) return
  failConfig(
    'architecture',
    `"architecture" is ${inWords(name)}; ${inWords(other)} is no word of a plain ViT or DeiT of timm, and a model of another kind cannot be run`,
  )
}
