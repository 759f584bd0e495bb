import { ModelError } from './errors.ts'
import { labelFault } from './label.ts'
import { type ModelSpec, parseModelSpec } from './spec.ts'

/** The fields of config.json that make up a spec, and their names there. */
const NAMES = {
  layershuffle_variant: 'variant',
  image_size: 'imageSize',
  patch_size: 'patchSize',
  num_channels: 'channels',
  hidden_size: 'width',
  num_hidden_layers: 'layers',
  num_attention_heads: 'heads',
  intermediate_size: 'mlpWidth',
  layer_norm_eps: 'layerNormEps',
} as const

/** What Hugging Face's ViTConfig means when an optional field is left out. */
const DEFAULTS = { hidden_act: 'gelu', qkv_bias: true, layershuffle_variant: 'shuffle' }

/** Fields that give the side of a square, in pixels. */
const SIDES = ['image_size', 'patch_size']

function fail(field: string, message: string): never {
  throw new ModelError({ code: 'bad-spec', field }, `config.json: ${message}`)
}

/** A value of a document in an error: nobody knows how deep or long it is. */
function inWords(value: unknown): string {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string'
    ? JSON.stringify(value.slice(0, 40))
    : `of the type ${typeof value}`
}

function parseObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    fail('', 'it is not an object')
  }
  return { ...DEFAULTS, ...value }
}

/**
 * Reads the spec from the config.json of a Hugging Face ViT. `layershuffle_variant` is our own
 * field, "shuffle" if absent. @throws ModelError `bad-spec` naming the first thing that is wrong.
 */
export function parseHuggingFaceConfig(value: unknown): ModelSpec {
  const config = parseObject(value)
  if (config.hidden_act !== 'gelu') {
    fail('hidden_act', `"hidden_act" is ${inWords(config.hidden_act)}; only "gelu" can be run`)
  }
  if (config.qkv_bias !== true) {
    fail('qkv_bias', '"qkv_bias" must be true; a model without those biases cannot be run')
  }
  const candidate: Record<string, unknown> = { classes: parseHuggingFaceLabels(value).length }
  for (const [theirs, ours] of Object.entries(NAMES)) {
    if (config[theirs] === undefined) fail(theirs, `"${theirs}" is missing`)
    candidate[ours] = sideOf(theirs, config[theirs])
  }
  try {
    return parseModelSpec(candidate)
  } catch (error) {
    if (!(error instanceof ModelError) || error.fault.code !== 'bad-spec') throw error
    const { field } = error.fault
    const theirs = Object.entries(NAMES).find(([, ours]) => ours === field)?.[0] ?? 'id2label'
    fail(theirs, `"${theirs}" is wrong (${error.message})`)
  }
}

/** Height and width may stand as a pair, which transformers takes too. */
function sideOf(field: string, value: unknown): unknown {
  if (!SIDES.includes(field) || !Array.isArray(value) || value.length !== 2) return value
  const [height, width]: unknown[] = value
  if (height === width) return height
  return fail(
    field,
    `"${field}" is ${inWords(height)} times ${inWords(width)}; only models of square pictures can be run`,
  )
}

/**
 * The labels of the classes in their order, from `id2label`, as a manifest takes them.
 * @throws ModelError `bad-spec`.
 */
export function parseHuggingFaceLabels(value: unknown): string[] {
  const { id2label } = parseObject(value)
  if (typeof id2label !== 'object' || id2label === null || Array.isArray(id2label)) {
    const there = Array.isArray(id2label) ? 'a list' : inWords(id2label)
    const said = (id2label ?? undefined) === undefined ? 'missing' : there
    fail('id2label', `"id2label" is ${said}; it names the classes as {"0": "cat", "1": "dog", …}`)
  }
  const labels = new Map(Object.entries(id2label))
  return Array.from({ length: labels.size }, (_, id) => {
    const label: unknown = labels.get(String(id))
    if (typeof label !== 'string') fail('id2label', `"id2label" has no text for class ${id}`)
    const fault = labelFault(label)
    if (fault !== undefined) fail('id2label', `"id2label" of class ${id} ${fault}; change it there`)
    return label
  })
}
