import {
  joinCheckpoint,
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
import { refusal } from './refusal-fixture.ts'

const spec: ModelSpec = parseModelSpec({
  ...{ variant: 'sequential', layers: 2, imageSize: 12, patchSize: 4, channels: 3, width: 8 },
  ...{ heads: 2, mlpWidth: 16, classes: 3, layerNormEps: 1e-6 },
})
const model = randomModel(spec, 1)

const TIMM: readonly (readonly [string, string])[] = [
  ['vit.embeddings.cls_token', 'cls_token'],
  ['vit.embeddings.position_embeddings', 'pos_embed'],
  ['vit.embeddings.patch_embeddings.projection', 'patch_embed.proj'],
  ['vit.encoder.layer.', 'blocks.'],
  ['layernorm_before', 'norm1'],
  ['layernorm_after', 'norm2'],
  ['attention.output.dense', 'attn.proj'],
  ['intermediate.dense', 'mlp.fc1'],
  ['output.dense', 'mlp.fc2'],
  ['vit.layernorm', 'norm'],
  ['classifier', 'head'],
]

type Tensors = Record<string, SafetensorsTensor>

/** The random model as timm would save it, query, key and value behind each other. */
function timmTensors(): Tensors {
  const file = joinCheckpoint(spec, model)
  const result: Tensors = {}
  for (const [name, { dtype, shape, offset, bytes }] of Object.entries(
    readSafetensors(file).tensors,
  )) {
    const data = file.subarray(offset, offset + bytes)
    const third =
      /^vit\.encoder\.layer\.(\d+)\.attention\.attention\.(query|key|value)(\..*)$/.exec(name)
    if (third === null) {
      const called = TIMM.reduce((text, [theirs, ours]) => text.replace(theirs, ours), name)
      result[called] = { dtype, shape, data }
      continue
    }
    const [, layer, which = '', end] = third
    const [rows = 0, ...rest] = shape
    const whole = `blocks.${layer}.attn.qkv${end}`
    result[whole] ??= { dtype, shape: [3 * rows, ...rest], data: new Uint8Array(3 * bytes) }
    result[whole].data.set(data, ['query', 'key', 'value'].indexOf(which) * bytes)
  }
  return result
}

const config = {
  architecture: 'vit_tiny_patch4_12',
  num_classes: 3,
  num_attention_heads: 2,
  global_pool: 'token',
  pretrained_cfg: {
    mean: [0.1, 0.2, 0.3],
    std: [0.4, 0.5, 0.6],
    crop_pct: 0.9,
    interpolation: 'bicubic',
  },
}

const read = (tensors: Tensors, changes: object = {}) =>
  importCheckpoint(
    {
      config: { ...config, ...changes },
      checkpoint: writeSafetensors(tensors),
      preprocessor: undefined,
    },
    { dropDistillation: false },
  )

describe('a model of timm', () => {
  test('is read with query, key and value cut apart', () => {
    const { spec: found, parts, labels, preprocessing, isBackbone } = read(timmTensors())
    expect(found).toEqual(spec)
    expect([labels, isBackbone]).toEqual([['LABEL_0', 'LABEL_1', 'LABEL_2'], false])
    expect(preprocessing).toMatchObject({ mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] })
    for (const part of partsOf(spec)) {
      expect(partValues(spec, part, parts.get(part) ?? new Uint8Array())).toEqual(
        partValues(spec, part, model.get(part) ?? new Uint8Array()),
      )
    }
  })

  test('whose config.json is of the older kind, without pretrained_cfg, is prepared as that says', () => {
    const { pretrained_cfg: told } = config
    const resize = { mode: 'shortest-edge', edge: 13, filter: 'bicubic' }
    for (const changes of [{}, { ...told, pretrained_cfg: undefined }]) {
      expect(read(timmTensors(), changes)).toMatchObject({
        preprocessing: { mean: told.mean, std: told.std, resize },
        saysPreprocessing: true,
      })
    }
  })

  test('is prepared as preprocessor_config.json says, where that lies beside it', () => {
    const checkpoint = writeSafetensors(timmTensors())
    const files = { config, checkpoint, preprocessor: { image_mean: [0.7, 0.7, 0.7] } }
    const { preprocessing } = importCheckpoint(files, { dropDistillation: false })
    expect(preprocessing).toMatchObject({ mean: [0.7, 0.7, 0.7], resize: { mode: 'stretch' } })
  })

  test('has the names of its classes from a list or an object, and from "labels" of older files', () => {
    const names = ['ape', 'bee', 'cat']
    const older = { labels: names, pretrained_cfg: undefined }
    for (const changes of [{ label_names: names }, { label_names: { ...names } }, older])
      expect(read(timmTensors(), changes).labels).toEqual(names)
    expect(refusal(() => read(timmTensors(), { label_names: ['ape'] }))).toMatch(
      /"label_names" names 1 classes, the classifier of the checkpoint has 3/,
    )
    expect(refusal(() => read(timmTensors(), { label_names: ['ape', 'b\n', 'c'] }))).toMatch(
      /"label_names" of class 1 holds a control character/,
    )
    expect(refusal(() => read(timmTensors(), { label_names: { 0: 'a', 2: 'b', 3: 'c' } }))).toMatch(
      /"label_names" of class 1 must be a text/,
    )
    expect(refusal(() => read(timmTensors(), { label_names: 'ape' }))).toMatch(
      /"label_names" is "ape", not a list/,
    )
  })

  test('without a classifier is a backbone', () => {
    const { 'head.weight': _, 'head.bias': __, ...bare } = timmTensors()
    expect(read(bare)).toMatchObject({ isBackbone: true, labels: [] })
  })

  test('has the heads that its name tells for its width, and is refused where nothing tells them', () => {
    expect(refusal(() => read(timmTensors(), { num_attention_heads: undefined }))).toMatch(
      /config\.json: a model of timm of the width 8 \("vit_tiny_patch4_12"\).*add "num_attention_heads"/,
    )
    const wide = { model_args: { num_heads: 4 }, num_attention_heads: undefined }
    expect(read(timmTensors(), wide).spec.heads).toBe(4)
  })

  test('that is no plain ViT is refused by the tensor or field that says so', () => {
    const gamma = { dtype: 'F32', shape: [8], data: new Uint8Array(32) } as const
    expect(refusal(() => read({ ...timmTensors(), 'blocks.0.ls1.gamma': gamma }))).toMatch(
      /"blocks\.0\.ls1\.gamma" of the checkpoint is none of a plain ViT of timm/,
    )
    expect(refusal(() => read(timmTensors(), { global_pool: 'avg' }))).toMatch(
      /"global_pool" is "avg"/,
    )
    expect(refusal(() => read(timmTensors(), { architecture: 'vit_tiny_patch4_clip_12' }))).toMatch(
      /"architecture" is .*"clip" is no word of a plain ViT/,
    )
    expect(refusal(() => read(timmTensors(), { model_args: { depth: 3 } }))).toMatch(
      /"model_args\.depth" is 3, the tensors of the checkpoint say 2/,
    )
    expect(refusal(() => read(timmTensors(), { global_pool: null }))).toMatch(
      /"global_pool" is null; only "token"/,
    )
    const name = 'blocks.0.attn.qkv.weight'
    const odd = { dtype: 'F32', shape: [23, 8], data: new Uint8Array(23 * 32) } as const
    expect(refusal(() => read({ ...timmTensors(), [name]: odd }))).toMatch(
      /tensor "blocks\.0\.attn\.qkv\.weight" of the checkpoint has shape \[23,8\], .* need \[24,8\]/,
    )
    const { pos_embed: positions, ...others } = timmTensors()
    if (positions === undefined) throw new Error('no positions')
    const seven = { ...positions, shape: [1, 7, 8], data: positions.data.subarray(0, 7 * 32) }
    expect(refusal(() => read({ ...others, pos_embed: seven }))).toMatch(
      /not for a square of patches/,
    )
    expect(refusal(() => read(others))).toMatch(/timm model: tensor "pos_embed".*missing/)
  })
})
