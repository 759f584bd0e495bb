import { ModelError } from './errors.ts'

/**
 * How a model was trained, which decides the parameters it has (LayerShuffle, arXiv 2407.04513).
 * `position` embeds the hop index, `predict` guesses it in training only; the baselines
 * `sequential` and `layerdrop` have the parameters of `shuffle`.
 */
export const VARIANTS = ['shuffle', 'position', 'predict', 'sequential', 'layerdrop'] as const

/** One of `VARIANTS`: what a layer knows of its position (LayerShuffle, arXiv 2407.04513). */
export type Variant = (typeof VARIANTS)[number]

/**
 * Whether the layers of such a model are worth something in their own order only, first to last: those of the
 * baselines, which were never trained in another (LayerShuffle, table 1).
 */
export function keepsOrder({ variant }: { readonly variant: Variant }): boolean {
  return variant === 'sequential' || variant === 'layerdrop'
}

/** The shape of one vision transformer. All sizes are counts of elements. */
export interface ModelSpec {
  readonly variant: Variant
  /** Height and width of the input image, pixels. */
  readonly imageSize: number
  /** Height and width of one patch, pixels; divides `imageSize`. */
  readonly patchSize: number
  readonly channels: number
  /** C: width of a token. */
  readonly width: number
  /** Number of encoder layers. */
  readonly layers: number
  readonly heads: number
  /** Width of the hidden layer of the MLP. */
  readonly mlpWidth: number
  readonly classes: number
  /** Epsilon of the encoder's and the head's layer norms. */
  readonly layerNormEps: number
}

/** Epsilon of the layer norms inside the variants' own modules: the default of PyTorch's nn.LayerNorm. */
export const VARIANT_LAYER_NORM_EPS = 1e-5
/** Width of the hop embedding of the `position` variant (LayerShuffle, section 3). */
export const POSITION_WIDTH = 32

/** The limits inside which a spec is accepted, so that a hostile manifest cannot ask for the moon. */
const SPEC_RANGES = {
  imageSize: [4, 1024],
  patchSize: [1, 256],
  channels: [1, 4],
  width: [4, 4096],
  layers: [1, 64],
  heads: [1, 64],
  mlpWidth: [4, 16384],
  classes: [2, 32768],
} as const

/** A part of a model that is stored, loaded and run on its own: one layer by index, the stem or the head. */
export type Part = number | 'stem' | 'head'

/** Every part of a model, in the order in which a manifest lists them. */
export function partsOf(spec: ModelSpec): Part[] {
  return ['stem', 'head', ...layersOf(spec)]
}

/** The indices of all layers, 0 … layers − 1. */
export function layersOf(spec: ModelSpec): number[] {
  return Array.from({ length: spec.layers }, (_, layer) => layer)
}

/** T: tokens of one image, its patches and the class token. */
export function tokensOf(spec: ModelSpec): number {
  return (spec.imageSize / spec.patchSize) ** 2 + 1
}

/** Tensor names and shapes, as in Hugging Face's ViT; Linear weights are [out, in]. */
export type TensorShapes = Readonly<Record<string, readonly number[]>>

/** Tensors of one layer; names are those of Hugging Face's ViT below `vit.encoder.layer.N.`. */
export function layerShapes(spec: ModelSpec): TensorShapes {
  const { width: c, mlpWidth: f, layers } = spec
  const shapes: Record<string, readonly number[]> = {
    'layernorm_before.weight': [c],
    'layernorm_before.bias': [c],
    'attention.attention.query.weight': [c, c],
    'attention.attention.query.bias': [c],
    'attention.attention.key.weight': [c, c],
    'attention.attention.key.bias': [c],
    'attention.attention.value.weight': [c, c],
    'attention.attention.value.bias': [c],
    'attention.output.dense.weight': [c, c],
    'attention.output.dense.bias': [c],
    'layernorm_after.weight': [c],
    'layernorm_after.bias': [c],
    'intermediate.dense.weight': [f, c],
    'intermediate.dense.bias': [f],
    'output.dense.weight': [c, f],
    'output.dense.bias': [c],
  }
  if (spec.variant === 'position') {
    // The embedding table is shared by the layers; each layer file carries a copy so that it runs alone.
    shapes['embedding.weight'] = [layers, POSITION_WIDTH]
    shapes['projection.net.0.weight'] = [c + POSITION_WIDTH]
    shapes['projection.net.0.bias'] = [c + POSITION_WIDTH]
    shapes['projection.net.1.weight'] = [c, c + POSITION_WIDTH]
    shapes['projection.net.1.bias'] = [c]
  }
  if (spec.variant === 'predict') {
    shapes['position_mlp.net.0.weight'] = [c]
    shapes['position_mlp.net.0.bias'] = [c]
    shapes['position_mlp.net.1.weight'] = [layers, c]
    shapes['position_mlp.net.1.bias'] = [layers]
  }
  return shapes
}

/** Tensors of the stem (patch embedding); names below `vit.`. */
export function stemShapes(spec: ModelSpec): TensorShapes {
  const { width: c, channels, patchSize: p } = spec
  return {
    'embeddings.cls_token': [1, 1, c],
    'embeddings.position_embeddings': [1, tokensOf(spec), c],
    'embeddings.patch_embeddings.projection.weight': [c, channels, p, p],
    'embeddings.patch_embeddings.projection.bias': [c],
  }
}

/** Tensors of the head (norm and classifier), as Hugging Face names them without the leading `vit.`. */
export function headShapes(spec: ModelSpec): TensorShapes {
  const { width: c, classes } = spec
  return {
    'layernorm.weight': [c],
    'layernorm.bias': [c],
    'classifier.weight': [classes, c],
    'classifier.bias': [classes],
  }
}

/** Tensors of any part. */
export function shapesOf(spec: ModelSpec, part: Part): TensorShapes {
  if (part === 'stem') return stemShapes(spec)
  if (part === 'head') return headShapes(spec)
  return layerShapes(spec)
}

/** The name that a part's tensor has in a whole-model checkpoint of Hugging Face's ViT. */
export function checkpointName(part: Part, name: string): string {
  if (name === 'embedding.weight') return 'vit.encoder.embedding.weight'
  if (typeof part === 'number') return `vit.encoder.layer.${part}.${name}`
  return name.startsWith('classifier.') ? name : `vit.${name}`
}

function fail(field: string, message: string): never {
  throw new ModelError({ code: 'bad-spec', field }, `model spec: ${message}`)
}

function count(source: Record<string, unknown>, field: keyof typeof SPEC_RANGES): number {
  const value = source[field]
  const [low, high] = SPEC_RANGES[field]
  if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
    fail(field, `"${field}" must be a whole number from ${low} to ${high}`)
  }
  return value
}

/** Parses a spec from untrusted data. @throws ModelError `bad-spec` naming the first wrong field. */
export function parseModelSpec(value: unknown): ModelSpec {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    fail('', 'must be an object')
  const source = value as Record<string, unknown>
  const variant = VARIANTS.find((known) => known === source.variant)
  if (variant === undefined) fail('variant', `"variant" must be one of ${VARIANTS.join(', ')}`)
  const eps = source.layerNormEps
  if (typeof eps !== 'number' || !(eps > 0 && eps < 1))
    fail('layerNormEps', '"layerNormEps" must be between 0 and 1')
  const spec: ModelSpec = {
    variant,
    imageSize: count(source, 'imageSize'),
    patchSize: count(source, 'patchSize'),
    channels: count(source, 'channels'),
    width: count(source, 'width'),
    layers: count(source, 'layers'),
    heads: count(source, 'heads'),
    mlpWidth: count(source, 'mlpWidth'),
    classes: count(source, 'classes'),
    layerNormEps: eps,
  }
  if (spec.imageSize % spec.patchSize !== 0)
    fail(
      'patchSize',
      `"patchSize" must divide "imageSize", and ${spec.patchSize} does not divide ${spec.imageSize}`,
    )
  if (spec.width % spec.heads !== 0)
    fail('heads', `"heads" must divide "width", and ${spec.heads} does not divide ${spec.width}`)
  return spec
}
