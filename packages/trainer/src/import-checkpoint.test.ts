import {
  joinCheckpoint,
  ModelError,
  type ModelSpec,
  parseModelSpec,
  partsOf,
  partValues,
  randomModel,
  readSafetensors,
  type SafetensorsTensor,
  writeSafetensors,
} from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { importCheckpoint } from './import-checkpoint.ts'

const specOf = (variant: string): ModelSpec =>
  parseModelSpec({
    ...{ variant, layers: 2, imageSize: 8, patchSize: 4, channels: 3, width: 8, heads: 2 },
    ...{ mlpWidth: 16, classes: 3, layerNormEps: 1e-6 },
  })

const config = {
  model_type: 'vit',
  hidden_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 16,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-6,
  image_size: 8,
  patch_size: 4,
  num_channels: 3,
  qkv_bias: true,
  id2label: { 0: 'ape', 1: 'bee', 2: 'cat' },
}

type Tensors = Record<string, SafetensorsTensor>

function tensorsOf(variant: string): Tensors {
  const file = joinCheckpoint(specOf(variant), randomModel(specOf(variant), 1))
  const entries = Object.entries(readSafetensors(file).tensors).map(
    ([name, { dtype, shape, offset, bytes }]): [string, SafetensorsTensor] => [
      name,
      { dtype, shape, data: file.subarray(offset, offset + bytes) },
    ],
  )
  return Object.fromEntries(entries)
}

const read = (tensors: Tensors, changes: object = {}, dropDistillation = false) =>
  importCheckpoint(
    {
      config: { ...config, ...changes },
      checkpoint: writeSafetensors(tensors),
      preprocessor: undefined,
    },
    { dropDistillation },
  )

/** The line that a failed import gives. */
function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof ModelError) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

describe('an import', () => {
  test.each(['position', 'predict'])('tells a %s model by its tensors', (variant) => {
    const { spec, parts } = read(tensorsOf(variant))
    expect(spec).toEqual(specOf(variant))
    for (const part of partsOf(spec)) {
      expect(partValues(spec, part, parts.get(part) ?? new Uint8Array())).toEqual(
        partValues(spec, part, randomModel(spec, 1).get(part) ?? new Uint8Array()),
      )
    }
  })

  test('takes a plain ViT for one whose layers have an order, and leaves its pooler away', () => {
    const pooler = { dtype: 'F32', shape: [1], data: new Uint8Array(4) } as const
    const { spec, labels, preprocessing } = read({
      ...tensorsOf('sequential'),
      'vit.pooler.dense.bias': pooler,
    })
    expect(spec.variant).toBe('sequential')
    expect(labels).toEqual(['ape', 'bee', 'cat'])
    expect(preprocessing).toMatchObject({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] })
  })

  test('refuses weights that are not finite', () => {
    const tensors = tensorsOf('sequential')
    const name = 'vit.encoder.layer.1.output.dense.bias'
    const { dtype, shape, data } = tensors[name] as SafetensorsTensor
    const spoiled = Uint8Array.from(data)
    new DataView(spoiled.buffer).setFloat32(4, Number.NaN, true)
    expect(refusal(() => read({ ...tensors, [name]: { dtype, shape, data: spoiled } }))).toMatch(
      /tensor "output\.dense\.bias" of layer 1 holds values that are not finite/,
    )
  })

  test('reads how pixels become inputs', () => {
    const files = { config, checkpoint: writeSafetensors(tensorsOf('sequential')) }
    const processed = (preprocessor: unknown) =>
      importCheckpoint({ ...files, preprocessor }, { dropDistillation: false }).preprocessing
    const imagenet = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] }
    expect(processed(imagenet)).toMatchObject({
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    })
    expect(processed({ ...imagenet, do_normalize: false })).toMatchObject({ mean: [0, 0, 0] })
    expect(refusal(() => processed({ image_mean: [0.5] }))).toMatch(
      /preprocessor_config\.json does not fit the model.*mean.*3 numbers/,
    )
  })
})

describe('a DeiT', () => {
  /** The names of transformers' DeiT, with a distillation token behind the class token. */
  function distilled(): Tensors {
    const entries = Object.entries(tensorsOf('sequential')).map(
      ([name, tensor]): [string, SafetensorsTensor] => [name.replace(/^vit\./, 'deit.'), tensor],
    )
    const tensors = Object.fromEntries(entries)
    const positions = tensors['deit.embeddings.position_embeddings']
    if (positions === undefined) throw new Error('no positions')
    const row = new Uint8Array(32).fill(7)
    const data = Buffer.concat([positions.data.subarray(0, 32), row, positions.data.subarray(32)])
    return {
      ...tensors,
      'deit.embeddings.position_embeddings': { ...positions, shape: [1, 6, 8], data },
      'deit.embeddings.distillation_token': { dtype: 'F32', shape: [1, 1, 8], data: row },
    }
  }

  test('with a distillation token is refused in one line that says what to do', () => {
    expect(refusal(() => read(distilled(), { model_type: 'deit' }))).toMatch(
      /distillation token.*--drop-distillation/,
    )
  })

  test('loses the token and its position when it is told to', () => {
    const { spec, parts } = read(distilled(), { model_type: 'deit' }, true)
    const stem = partValues(spec, 'stem', parts.get('stem') ?? new Uint8Array())
    expect(stem).toEqual(
      partValues(spec, 'stem', randomModel(spec, 1).get('stem') ?? new Uint8Array()),
    )
  })

  test('with two classifiers keeps that of the class token', () => {
    const { 'classifier.weight': weight, 'classifier.bias': bias, ...others } = distilled()
    if (weight === undefined || bias === undefined) throw new Error('no classifier')
    const tensors = {
      ...others,
      'cls_classifier.weight': weight,
      'cls_classifier.bias': bias,
      'distillation_classifier.weight': { ...weight, data: new Uint8Array(weight.data.length) },
      'distillation_classifier.bias': bias,
    }
    const { spec, parts } = read(tensors, { model_type: 'deit' }, true)
    const head = partValues(spec, 'head', parts.get('head') ?? new Uint8Array())
    expect(head).toEqual(
      partValues(spec, 'head', randomModel(spec, 1).get('head') ?? new Uint8Array()),
    )
  })
})

describe('an import refuses', () => {
  const vit = tensorsOf('sequential')
  const without = (name: string): Tensors =>
    Object.fromEntries(Object.entries(vit).filter(([key]) => key !== name))

  test('another kind of model, and names it', () => {
    expect(refusal(() => read(vit, { model_type: 'bert' }))).toMatch(/"model_type" is "bert"; only/)
    expect(refusal(() => read(vit, { model_type: undefined }))).toMatch(/"model_type" is missing/)
    const nothing = { config: null, checkpoint: writeSafetensors(vit), preprocessor: undefined }
    expect(refusal(() => importCheckpoint(nothing, { dropDistillation: false }))).toMatch(/missing/)
  })

  test('what it could not run, field by field', () => {
    expect(refusal(() => read(vit, { hidden_act: 'relu' }))).toMatch(/"hidden_act" is "relu"/)
    expect(refusal(() => read(vit, { qkv_bias: false }))).toMatch(/"qkv_bias"/)
    expect(refusal(() => read(vit, { patch_size: 3 }))).toMatch(/"patch_size"/)
    expect(refusal(() => read(vit, { id2label: undefined }))).toMatch(/"id2label" is missing/)
  })

  test('tensors that are missing, have another shape, or belong to something else', () => {
    expect(refusal(() => read(without('vit.encoder.layer.1.output.dense.bias')))).toMatch(
      /"vit\.encoder\.layer\.1\.output\.dense\.bias" of the checkpoint is missing/,
    )
    expect(refusal(() => read(vit, { intermediate_size: 12 }))).toMatch(
      /intermediate\.dense\.weight" of the checkpoint has shape \[16,8\], the model needs \[12,8\]/,
    )
    expect(refusal(() => read(vit, { num_hidden_layers: 1 }))).toMatch(/layer\.1\..* belongs to no/)
  })

  test('a file that is cut off', () => {
    const whole = writeSafetensors(vit)
    const files = {
      config,
      checkpoint: whole.subarray(0, whole.length - 9),
      preprocessor: undefined,
    }
    expect(refusal(() => importCheckpoint(files, { dropDistillation: false }))).toMatch(/cut off/)
  })
})
