import {
  joinCheckpoint,
  type ModelSpec,
  type Part,
  parseModelSpec,
  partsOf,
  partValues,
  randomModel,
  readSafetensors,
  type SafetensorsTensor,
  writeSafetensors,
} from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import type { RawTensor } from './checkpoint-tensors.ts'
import { importCheckpoint } from './import-checkpoint.ts'
import { refusal } from './refusal-fixture.ts'

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

/** A safetensors file with tensors of any type, as others write them. */
function stored(tensors: Readonly<Record<string, RawTensor>>): Uint8Array {
  const header: Record<string, unknown> = {}
  let end = 0
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [end, end + data.length] }
    end += data.length
  }
  const json = new TextEncoder().encode(JSON.stringify(header))
  const length = new Uint8Array(8)
  new DataView(length.buffer).setUint32(0, json.length, true)
  return Buffer.concat([length, json, ...Object.values(tensors).map(({ data }) => data)])
}

/** The same float32 tensors as brain floats, cut off, or as doubles. */
function inDtype(tensors: Tensors, dtype: string): Record<string, RawTensor> {
  const entries = Object.entries(tensors).map(([name, { shape, data }]): [string, RawTensor] => {
    const values = new Float32Array(Uint8Array.from(data).buffer)
    const made =
      dtype === 'F64'
        ? Float64Array.from(values)
        : Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16)
    return [name, { dtype, shape, data: new Uint8Array(made.buffer) }]
  })
  return Object.fromEntries(entries)
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
      /preprocessor_config\.json: "image_mean" is not 3 numbers/,
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

describe('an import of what people have', () => {
  const vit = tensorsOf('sequential')
  const model = randomModel(specOf('sequential'), 1)
  const valuesOf = (parts: ReadonlyMap<Part, Uint8Array>, spec = specOf('sequential')) =>
    partsOf(spec).map((part) => partValues(spec, part, parts.get(part) ?? new Uint8Array()))
  const withoutClassifier = (tensors: Tensors): Tensors =>
    Object.fromEntries(Object.entries(tensors).filter(([name]) => !/^classifier\./.test(name)))

  test('takes a model without a classifier for a backbone, in the names that it is saved with', () => {
    const bare = Object.fromEntries(
      Object.entries(withoutClassifier(vit)).map(([name, tensor]) => [
        name.replace('vit.', ''),
        tensor,
      ]),
    )
    const { isBackbone, labels, spec, parts } = read(bare, { id2label: undefined })
    expect([isBackbone, labels, spec.classes]).toEqual([true, [], 2])
    expect(valuesOf(parts, spec).slice(2)).toEqual(valuesOf(model).slice(2))
    expect(read(vit).isBackbone).toBe(false)
  })

  test('refuses a classifier whose classifier is missing', () => {
    const architectures = ['ViTForImageClassification']
    expect(refusal(() => read(withoutClassifier(vit), { architectures }))).toMatch(
      /"classifier\.weight" of the checkpoint is missing/,
    )
  })

  test('names classes that nobody named as transformers does, by the shape of the classifier', () => {
    expect(read(vit, { id2label: null }).labels).toHaveLength(3)
    expect(refusal(() => read(vit, { id2label: { 0: 'ape' } }))).toMatch(
      /"id2label" names 1 classes, the classifier of the checkpoint has 3/,
    )
    expect(read(vit, { id2label: undefined }).labels).toEqual(['LABEL_0', 'LABEL_1', 'LABEL_2'])
  })

  test('refuses a classifier that has nothing to tell apart', () => {
    const { 'classifier.weight': weight, ...others } = vit
    if (weight === undefined) throw new Error('no classifier')
    const one = { ...weight, shape: [1, 8], data: weight.data.subarray(0, 32) }
    for (const id2label of [undefined, { 0: 'ape' }])
      expect(refusal(() => read({ ...others, 'classifier.weight': one }, { id2label }))).toBe(
        'the classifier of the checkpoint has 1 class; a model needs at least 2 to tell apart',
      )
  })

  test('skips and names what nobody needs, whatever its type', () => {
    const { skipped, spec } = importCheckpoint(
      {
        config,
        preprocessor: undefined,
        checkpoint: stored({
          ...vit,
          'vit.embeddings.position_ids': { dtype: 'I64', shape: [1, 5], data: new Uint8Array(40) },
          'vit.pooler.dense.bias': { dtype: 'F32', shape: [1], data: new Uint8Array(4) },
          'loss.class_weights': { dtype: 'F8_E4M3', shape: [3], data: new Uint8Array(3) },
        }),
      },
      { dropDistillation: false },
    )
    expect(spec).toEqual(specOf('sequential'))
    expect(skipped).toEqual([
      'vit.embeddings.position_ids',
      'vit.pooler.dense.bias',
      'loss.class_weights',
    ])
  })

  test('refuses a weight that it needs and cannot read, by its name and type', () => {
    const name = 'vit.encoder.layer.0.output.dense.bias'
    const files = {
      config,
      preprocessor: undefined,
      checkpoint: stored({ ...vit, [name]: { dtype: 'I8', shape: [8], data: new Uint8Array(8) } }),
    }
    expect(refusal(() => importCheckpoint(files, { dropDistillation: false }))).toMatch(
      /layer\.0\.output\.dense\.bias" has dtype I8; F32, F16, BF16 and F64 can be read/,
    )
  })

  test.each(['BF16', 'F64'])('reads %s', (dtype) => {
    const parts = importCheckpoint(
      { config, preprocessor: undefined, checkpoint: stored(inDtype(vit, dtype)) },
      { dropDistillation: false },
    ).parts
    // Cut off, not rounded, to seven bits behind the first.
    const bits = dtype === 'BF16' ? 2 ** -7 : 0
    const wanted = valuesOf(model)
    for (const [at, part] of valuesOf(parts).entries()) {
      for (const [name, values] of Object.entries(part)) {
        const exact = wanted[at]?.[name] ?? new Float32Array()
        expect(values.length).toBe(exact.length)
        values.forEach((value, i) => {
          expect(Math.abs(value - (exact[i] ?? 0))).toBeLessThanOrEqual(
            bits * Math.abs(exact[i] ?? 0),
          )
        })
      }
    }
  })

  test('reads a model that is spread over files, and refuses a tensor that two of them have', () => {
    const names = Object.keys(vit)
    const shard = (part: readonly string[]): Uint8Array =>
      stored(Object.fromEntries(part.map((name) => [name, vit[name] as SafetensorsTensor])))
    const files = (second: number) => ({
      config,
      preprocessor: undefined,
      checkpoint: [shard(names.slice(0, 9)), shard(names.slice(second))],
    })
    expect(valuesOf(importCheckpoint(files(9), { dropDistillation: false }).parts)).toEqual(
      valuesOf(model),
    )
    expect(refusal(() => importCheckpoint(files(8), { dropDistillation: false }))).toMatch(
      /is in two files of the checkpoint/,
    )
  })

  test('reads names behind the wrapper of a training in parallel', () => {
    const wrapped = Object.entries(vit).map(([name, tensor]) => [`module.${name}`, tensor])
    expect(valuesOf(read(Object.fromEntries(wrapped)).parts)).toEqual(valuesOf(model))
  })
})

describe('an import refuses', () => {
  const vit = tensorsOf('sequential')
  const without = (name: string): Tensors =>
    Object.fromEntries(Object.entries(vit).filter(([key]) => key !== name))

  test('another kind of model, and names it', () => {
    expect(refusal(() => read(vit, { model_type: 'bert' }))).toMatch(/"model_type" is "bert"; only/)
    expect(refusal(() => read(vit, { model_type: undefined }))).toMatch(/"model_type" is missing/)
    expect(refusal(() => read(vit, { model_type: ['vit'] }))).toMatch(
      /"model_type" is a list; only/,
    )
    expect(refusal(() => read(vit, { model_type: {} }))).toMatch(/"model_type" is an object; only/)
    const nothing = { config: null, checkpoint: writeSafetensors(vit), preprocessor: undefined }
    expect(refusal(() => importCheckpoint(nothing, { dropDistillation: false }))).toMatch(/missing/)
  })

  test('what it could not run, field by field', () => {
    expect(refusal(() => read(vit, { hidden_act: 'relu' }))).toMatch(/"hidden_act" is "relu"/)
    expect(refusal(() => read(vit, { qkv_bias: false }))).toMatch(/"qkv_bias"/)
    expect(refusal(() => read(vit, { patch_size: 3 }))).toMatch(/"patch_size"/)
    expect(refusal(() => read(vit, { id2label: { 0: 'ape', 2: 'bee' } }))).toMatch(/"id2label"/)
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
