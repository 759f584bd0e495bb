import {
  ModelError,
  type ModelSpec,
  type Part,
  type Preprocessing,
  parseHuggingFaceConfig,
  parseHuggingFaceLabels,
  parseHuggingFacePreprocessor,
  partName,
  readSafetensors,
  splitCheckpoint,
  tensorValues,
  tokensOf,
  writeSafetensors,
} from '@layerswarm/model'
import {
  collectTensors,
  huggingFaceNames,
  type RawTensor,
  type RawTensors,
  sortTensors,
} from './checkpoint-tensors.ts'
import { failConfig, inWords, recordOf } from './config-fault.ts'
import { BACKBONE_CLASSES } from './limits.ts'
import { isTimm, translateTimm } from './timm-checkpoint.ts'
import { timmPreprocessing } from './timm-preprocessing.ts'

/** What a folder of a Hugging Face model holds. */
export interface HuggingFaceFiles {
  /** config.json */
  readonly config: unknown
  /** model.safetensors, or the files over which the model is spread. */
  readonly checkpoint: Uint8Array | readonly Uint8Array[]
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
  /** One per class; none of a backbone. */
  readonly labels: readonly string[]
  readonly preprocessing: Preprocessing
  /** Whether preprocessor_config.json, or config.json of timm, says so; else those are defaults. */
  readonly saysPreprocessing: boolean
  /**
   * The checkpoint has no classifier: the spec's classes and the weights of the head's classifier
   * stand in for one, until a training makes it.
   */
  readonly isBackbone: boolean
  /** Tensors of the checkpoint that nobody needs, by their names. */
  readonly skipped: readonly string[]
}

const MODEL_TYPES = ['vit', 'deit']
const DISTILLATION_TOKEN = 'vit.embeddings.distillation_token'
const POSITIONS = 'vit.embeddings.position_embeddings'
const DISTILLATION_CLASSIFIER = /^distillation_classifier\./
const CLASSIFIER = 'classifier.weight'

/**
 * Reads a ViT or DeiT in the names of Hugging Face's transformers (`vit.*`, `deit.*`, or none of
 * a backbone) or of timm, or a variant of LayerShuffle in the names of its authors; F32, F16, BF16
 * or F64.
 * @throws ModelError that names the first thing that is wrong.
 */
export function importCheckpoint(
  files: HuggingFaceFiles,
  { dropDistillation }: ImportOptions,
): ImportedModel {
  const { config, tensors, isTimms } = inOneForm(files)
  const labels = labelsOf(config, tensors)
  const spec = parseHuggingFaceConfig({
    ...Object(config),
    layershuffle_variant: variantOf(config, [...tensors.keys()]),
    id2label: { ...(labels ?? standInLabels(BACKBONE_CLASSES)) },
  })
  const whole = tensors.has(DISTILLATION_TOKEN)
    ? withoutDistillation(tensors, spec, dropDistillation)
    : tensors
  const { needed, skipped } = sortTensors(whole, spec)
  const head = labels === undefined ? standInClassifier(spec) : {}
  const parts = splitCheckpoint(writeSafetensors({ ...needed, ...head }), spec)
  for (const [part, file] of parts) checkFinite(part, file)
  // What transformers wrote beside it comes after what timm did.
  const byTimm = isTimms && files.preprocessor === undefined
  return {
    spec,
    parts,
    labels: labels ?? [],
    preprocessing: byTimm
      ? timmPreprocessing(files.config, spec)
      : parseHuggingFacePreprocessor(files.preprocessor, spec),
    saysPreprocessing: byTimm || files.preprocessor !== undefined,
    isBackbone: labels === undefined,
    skipped,
  }
}

/** Whoever made the checkpoint, its config and its tensors in the words of transformers' ViT. */
function inOneForm({ config, checkpoint }: HuggingFaceFiles): {
  config: unknown
  tensors: RawTensors
  /** Whether timm made it. */
  isTimms: boolean
} {
  const isOther = recordOf(config).model_type !== undefined
  if (isOther) checkModelType(config)
  const tensors = collectTensors(checkpoint instanceof Uint8Array ? [checkpoint] : checkpoint)
  if (!isOther && isTimm(tensors)) return { ...translateTimm(config, tensors), isTimms: true }
  checkModelType(config)
  return { config, tensors: huggingFaceNames(tensors), isTimms: false }
}

/**
 * The labels of the classes, by default those of transformers, which leaves them out of
 * config.json where nobody named any. Undefined for a backbone.
 */
function labelsOf(config: unknown, tensors: RawTensors): readonly string[] | undefined {
  const classifier = tensors.get(CLASSIFIER)
  if (classifier === undefined) {
    const said: unknown = recordOf(config).architectures
    const isClassifier = JSON.stringify(said ?? '').includes('ForImageClassification')
    if (!isClassifier) return undefined
    throw new ModelError(
      { code: 'missing-tensor', tensor: CLASSIFIER },
      `tensor "${CLASSIFIER}" of the checkpoint is missing, though config.json says that it is a classifier`,
    )
  }
  const [classes = 0] = classifier.shape
  if (classes < 2) {
    throw new ModelError(
      { code: 'bad-shape', what: CLASSIFIER },
      `the classifier of the checkpoint has ${classes === 1 ? '1 class' : `${classes} classes`}; a model needs at least 2 to tell apart`,
    )
  }
  if ((recordOf(config).id2label ?? undefined) === undefined) return standInLabels(classes)
  const labels = parseHuggingFaceLabels(config)
  if (labels.length === classes) return labels
  return failConfig(
    'id2label',
    `"id2label" names ${labels.length} classes, the classifier of the checkpoint has ${classes}`,
  )
}

function standInLabels(classes: number): string[] {
  return Array.from({ length: classes }, (_, id) => `LABEL_${id}`)
}

function standInClassifier({ classes, width }: ModelSpec) {
  const zeros = (...shape: number[]) => ({
    dtype: 'F32' as const,
    shape,
    data: new Uint8Array(4 * shape.reduce((product, size) => product * size, 1)),
  })
  return { [CLASSIFIER]: zeros(classes, width), 'classifier.bias': zeros(classes) }
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

function checkModelType(config: unknown): void {
  const type = recordOf(config).model_type
  if (typeof type === 'string' && MODEL_TYPES.includes(type)) return
  const said = (type ?? undefined) === undefined ? 'missing' : inWords(type)
  failConfig('model_type', `"model_type" is ${said}; only "vit" and "deit" can be imported`)
}

/** What config.json says, or else what the names of the tensors give away: a plain ViT has one order. */
function variantOf(config: unknown, names: readonly string[]): unknown {
  const said = recordOf(config).layershuffle_variant
  if (said !== undefined) return said
  if (names.some((name) => name.includes('.projection.net.'))) return 'position'
  if (names.some((name) => name.includes('.position_mlp.'))) return 'predict'
  return 'sequential'
}

/** A DeiT without its second token: positions are those of class token, distillation token, patches. */
function withoutDistillation(
  tensors: RawTensors,
  spec: ModelSpec,
  dropDistillation: boolean,
): RawTensors {
  if (!dropDistillation) {
    throw new ModelError(
      { code: 'extra-tensor', tensor: DISTILLATION_TOKEN },
      'the checkpoint has a distillation token, which cannot be run here; `layerswarm import` with --drop-distillation takes it over without, to be fine-tuned',
    )
  }
  const kept = [...tensors].filter(
    ([name]) => name !== DISTILLATION_TOKEN && !DISTILLATION_CLASSIFIER.test(name),
  )
  const positions = tensors.get(POSITIONS)
  const tokens = tokensOf(spec)
  const wanted = [1, tokens + 1, spec.width]
  if (positions === undefined || positions.shape.join() !== wanted.join()) {
    throw new ModelError(
      { code: 'bad-shape', what: POSITIONS },
      `tensor "${POSITIONS}" has shape [${positions?.shape ?? ''}], with a distillation token it needs [${wanted}]`,
    )
  }
  return new Map([...kept, [POSITIONS, withoutSecondRow(positions, tokens)]])
}

function withoutSecondRow({ dtype, shape, data: all }: RawTensor, tokens: number): RawTensor {
  const row = all.length / (tokens + 1)
  const data = new Uint8Array(row * tokens)
  data.set(all.subarray(0, row))
  data.set(all.subarray(2 * row), row)
  return { dtype, shape: [1, tokens, ...shape.slice(2)], data }
}
