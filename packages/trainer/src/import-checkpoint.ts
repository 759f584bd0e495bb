import {
  ModelError,
  type ModelSpec,
  type Part,
  type Preprocessing,
  parseHuggingFaceConfig,
  parseHuggingFaceLabels,
  parsePreprocessing,
  partName,
  readSafetensors,
  type SafetensorsEntry,
  type SafetensorsHeader,
  type SafetensorsTensor,
  splitCheckpoint,
  tensorValues,
  tokensOf,
  writeSafetensors,
} from '@layerswarm/model'

/** What a folder of a Hugging Face model holds. */
export interface HuggingFaceFiles {
  /** config.json */
  readonly config: unknown
  /** model.safetensors */
  readonly checkpoint: Uint8Array
  /** preprocessor_config.json, undefined when there is none. */
  readonly preprocessor: unknown
}

/** What is given up of a model so that it fits. */
export interface ImportOptions {
  /**
   * Leaves the distillation token of a DeiT away, with its position and its classifier: a start for
   * fine-tuning, not the same model.
   */
  readonly dropDistillation: boolean
}

/** A model that came from elsewhere, in the parts of this project. */
export interface ImportedModel {
  readonly spec: ModelSpec
  /** The safetensors file of every part, float32. */
  readonly parts: Map<Part, Uint8Array>
  readonly labels: readonly string[]
  readonly preprocessing: Preprocessing
}

const MODEL_TYPES = ['vit', 'deit']
const DISTILLATION_TOKEN = 'vit.embeddings.distillation_token'
const POSITIONS = 'vit.embeddings.position_embeddings'
const DISTILLATION_CLASSIFIER = /^distillation_classifier\./

/**
 * Reads a ViT or DeiT image classifier in the names of Hugging Face's transformers (`vit.*`,
 * `deit.*`), or a variant of LayerShuffle in the names of its authors.
 * @throws ModelError that names the first thing that is wrong.
 */
export function importCheckpoint(
  { config, checkpoint, preprocessor }: HuggingFaceFiles,
  { dropDistillation }: ImportOptions,
): ImportedModel {
  checkModelType(config)
  const header = readSafetensors(checkpoint)
  const tensors = renamed(header)
  const variant = variantOf(config, Object.keys(tensors))
  const spec = parseHuggingFaceConfig({ ...Object(config), layershuffle_variant: variant })
  const whole = isDistilled(tensors)
    ? withoutDistillation(checkpoint, tensors, spec, dropDistillation)
    : tensorsOf(checkpoint, tensors)
  const parts = splitCheckpoint(writeSafetensors(whole), spec)
  for (const [part, file] of parts) checkFinite(part, file)
  return {
    spec,
    parts,
    labels: parseHuggingFaceLabels(config),
    preprocessing: preprocessingOf(spec, preprocessor),
  }
}

/** Weights that diverged, or bytes that are no weights, would spoil every answer without an error. */
function checkFinite(part: Part, file: Uint8Array): void {
  for (const [name, entry] of Object.entries(readSafetensors(file).tensors)) {
    if (tensorValues(file, entry).every(Number.isFinite)) continue
    throw new ModelError(
      { code: 'bad-safetensors' },
      `tensor "${name}" of ${partName(part)} holds values that are not finite`,
    )
  }
}

function failConfig(field: string, message: string): never {
  throw new ModelError({ code: 'bad-spec', field }, `config.json: ${message}`)
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? Object(value)[field] : undefined
}

function checkModelType(config: unknown): void {
  const type = fieldOf(config, 'model_type')
  if (typeof type === 'string' && MODEL_TYPES.includes(type)) return
  const said = typeof type === 'string' ? JSON.stringify(type.slice(0, 40)) : 'missing'
  failConfig('model_type', `"model_type" is ${said}; only "vit" and "deit" can be imported`)
}

type Tensors = SafetensorsHeader['tensors']

/** DeiT's names as ViT's: they differ in the prefix, and in the name of the classifier with a teacher. */
function renamed({ tensors }: SafetensorsHeader): Tensors {
  const entries = Object.entries(tensors).map(([name, entry]): [string, SafetensorsEntry] => [
    name.replace(/^deit\./, 'vit.').replace(/^cls_classifier\./, 'classifier.'),
    entry,
  ])
  return Object.fromEntries(entries)
}

/** What config.json says, or else what the names of the tensors give away: a plain ViT has one order. */
function variantOf(config: unknown, names: readonly string[]): unknown {
  const said = fieldOf(config, 'layershuffle_variant')
  if (said !== undefined) return said
  if (names.some((name) => name.includes('.projection.net.'))) return 'position'
  if (names.some((name) => name.includes('.position_mlp.'))) return 'predict'
  return 'sequential'
}

function isDistilled(tensors: Tensors): boolean {
  return Object.hasOwn(tensors, DISTILLATION_TOKEN)
}

function tensorsOf(checkpoint: Uint8Array, tensors: Tensors): Record<string, SafetensorsTensor> {
  const entries = Object.entries(tensors).map(
    ([name, { dtype, shape, offset, bytes }]): [string, SafetensorsTensor] => [
      name,
      { dtype, shape, data: checkpoint.subarray(offset, offset + bytes) },
    ],
  )
  return Object.fromEntries(entries)
}

/** A DeiT without its second token: positions are those of class token, distillation token, patches. */
function withoutDistillation(
  checkpoint: Uint8Array,
  tensors: Tensors,
  spec: ModelSpec,
  dropDistillation: boolean,
): Record<string, SafetensorsTensor> {
  if (!dropDistillation) {
    throw new ModelError(
      { code: 'extra-tensor', tensor: DISTILLATION_TOKEN },
      'the checkpoint has a distillation token, which cannot be run here; --drop-distillation imports it without, to be fine-tuned',
    )
  }
  const { [DISTILLATION_TOKEN]: _, [POSITIONS]: positions, ...others } = tensors
  const kept = Object.entries(others).filter(([name]) => !DISTILLATION_CLASSIFIER.test(name))
  const tokens = tokensOf(spec)
  const wanted = [1, tokens + 1, spec.width]
  if (positions === undefined || positions.shape.join() !== wanted.join()) {
    throw new ModelError(
      { code: 'bad-shape', what: POSITIONS },
      `tensor "${POSITIONS}" has shape [${positions?.shape ?? ''}], with a distillation token it needs [${wanted}]`,
    )
  }
  const { dtype, offset, bytes } = positions
  const row = bytes / (tokens + 1)
  const data = new Uint8Array(row * tokens)
  data.set(checkpoint.subarray(offset, offset + row))
  data.set(checkpoint.subarray(offset + 2 * row, offset + bytes), row)
  return {
    ...tensorsOf(checkpoint, Object.fromEntries(kept)),
    [POSITIONS]: { dtype, shape: [1, tokens, spec.width], data },
  }
}

/** Mean and deviation that ViT's image processor takes when it is told nothing. */
const PROCESSOR_DEFAULT = 0.5

function preprocessingOf(spec: ModelSpec, preprocessor: unknown): Preprocessing {
  const { channels, imageSize: size } = spec
  const plain = fieldOf(preprocessor, 'do_normalize') === false
  const read = (field: string, otherwise: number): unknown => {
    const value = plain ? undefined : fieldOf(preprocessor, field)
    return value === undefined ? Array.from({ length: channels }, () => otherwise) : value
  }
  try {
    return parsePreprocessing({
      size,
      channels,
      mean: read('image_mean', plain ? 0 : PROCESSOR_DEFAULT),
      std: read('image_std', plain ? 1 : PROCESSOR_DEFAULT),
      foreground: 'any',
    })
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    throw new ModelError(
      error.fault,
      `preprocessor_config.json does not fit the model (${error.message})`,
    )
  }
}
