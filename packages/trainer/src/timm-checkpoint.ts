import { labelFault, ModelError } from '@layerswarm/model'
import { failExtra, type RawTensor, type RawTensors } from './checkpoint-tensors.ts'
import { failConfig, inWords, recordOf } from './config-fault.ts'
import { checkPlain } from './timm-plain.ts'
import { pretrainedOf } from './timm-preprocessing.ts'

/** A checkpoint of timm in the words of transformers. */
export interface TranslatedTimm {
  readonly config: Readonly<Record<string, unknown>>
  readonly tensors: RawTensors
}

/** Whether a checkpoint has the names of timm's VisionTransformer. */
export function isTimm(tensors: RawTensors): boolean {
  return tensors.has('patch_embed.proj.weight')
}

const KERNEL = 'patch_embed.proj.weight'
const POSITIONS = 'pos_embed'

/**
 * Tensors and config.json of timm's VisionTransformer (timm/models/vision_transformer.py) as
 * transformers has them: query, key and value, which timm keeps in one matrix, are cut apart.
 * @throws ModelError `extra-tensor`, `missing-tensor`, `bad-shape` or `bad-spec`, saying timm, for
 * what differs from a plain ViT or is not told.
 */
export function translateTimm(config: unknown, tensors: RawTensors): TranslatedTimm {
  const told = recordOf(config)
  const pool = told.global_pool
  if (pool !== undefined && pool !== 'token') {
    failConfig('global_pool', `"global_pool" is ${inWords(pool)}; only "token" can be run`)
  }
  const kernel = need(tensors, KERNEL).shape
  const positions = need(tensors, POSITIONS).shape
  const isDistilled = tensors.has('dist_token')
  const [width = 0, channels = 0, patchSize = 0] = kernel
  const side = Math.sqrt((positions[1] ?? 0) - 1 - Number(isDistilled))
  if (!Number.isInteger(side)) {
    throw new ModelError(
      { code: 'bad-shape', what: POSITIONS },
      `timm model: tensor "${POSITIONS}" of shape [${positions}] is not for a square of patches and a class token`,
    )
  }
  const layers = 1 + Math.max(-1, ...[...tensors.keys()].map(layerOf))
  const [mlpWidth = 0] = need(tensors, 'blocks.0.mlp.fc1.weight').shape
  const imageSize = side * patchSize
  const classes = tensors.get('head.weight')?.shape[0]
  checkPlain(told, { imageSize, patchSize, channels, width, layers, mlpWidth, classes })
  return {
    tensors: translated(tensors, width),
    config: {
      model_type: isDistilled ? 'deit' : 'vit',
      hidden_size: width,
      num_channels: channels,
      patch_size: patchSize,
      image_size: imageSize,
      num_hidden_layers: layers,
      num_attention_heads: headsOf(told, width),
      intermediate_size: mlpWidth,
      layer_norm_eps: EPSILON,
      id2label: labelsOf(told, classes),
    },
  }
}

/** Of all layer norms of timm's VisionTransformer. */
const EPSILON = 1e-6

/** Heads by the word for its size in a model's name, with the width for which that holds. */
const HEADS: Readonly<Record<string, readonly [width: number, heads: number]>> = {
  tiny: [192, 3],
  small: [384, 6],
  base: [768, 12],
  large: [1024, 16],
  huge: [1280, 16],
}

/** Nothing but the name tells how many heads a model of timm has. */
function headsOf(told: Readonly<Record<string, unknown>>, width: number): unknown {
  const given = told.num_attention_heads ?? recordOf(told.model_args).num_heads
  if (given !== undefined) return given
  const { architecture } = told
  const words = typeof architecture === 'string' ? architecture.split('_') : []
  const known = words.map((word) => HEADS[word]).find((one) => one?.[0] === width)
  if (known !== undefined) return known[1]
  return failConfig(
    'num_attention_heads',
    `a model of timm of the width ${width} (${inWords(architecture)}), and nothing tells how many heads it has; add "num_attention_heads" to config.json`,
  )
}

/**
 * Names by class, as `id2label` has them: in `label_names`, a list or an object, which older files
 * without `pretrained_cfg` call `labels`. Undefined where there are none, and for a backbone.
 */
function labelsOf(told: Readonly<Record<string, unknown>>, classes: number | undefined): unknown {
  const older = (told.pretrained_cfg ?? undefined) === undefined ? told.labels : undefined
  const names: unknown = told.label_names ?? pretrainedOf(told).label_names ?? older ?? undefined
  if (names === undefined || classes === undefined) return undefined
  if (typeof names !== 'object') {
    failConfig('label_names', `"label_names" is ${inWords(names)}, not a list of names`)
  }
  const byClass = new Map<string, unknown>(Object.entries(names ?? {}))
  if (byClass.size !== classes) {
    failConfig(
      'label_names',
      `"label_names" names ${byClass.size} classes, the classifier of the checkpoint has ${classes}`,
    )
  }
  for (let id = 0; id < classes; id++) {
    const fault = labelFault(byClass.get(String(id)))
    if (fault === undefined) continue
    failConfig('label_names', `"label_names" of class ${id} ${fault}; change it there`)
  }
  return Object.fromEntries(byClass)
}

/** Names that are the same for all layers or stand outside them. */
const NAMES: Readonly<Record<string, string>> = {
  cls_token: 'vit.embeddings.cls_token',
  dist_token: 'vit.embeddings.distillation_token',
  pos_embed: 'vit.embeddings.position_embeddings',
  'patch_embed.proj': 'vit.embeddings.patch_embeddings.projection',
  norm: 'vit.layernorm',
  head: 'classifier',
  head_dist: 'distillation_classifier',
}

/** Names below `blocks.N.`. */
const LAYER_NAMES: Readonly<Record<string, string>> = {
  norm1: 'layernorm_before',
  'attn.proj': 'attention.output.dense',
  norm2: 'layernorm_after',
  'mlp.fc1': 'intermediate.dense',
  'mlp.fc2': 'output.dense',
}

const BLOCK = /^blocks\.(\d{1,4})\.(.*)$/

function layerOf(name: string): number {
  return Number(BLOCK.exec(name)?.[1] ?? -1)
}

function translated(tensors: RawTensors, width: number): RawTensors {
  const result = new Map<string, RawTensor>()
  for (const [name, tensor] of tensors) {
    const [, stem = name, end = ''] = /^(.*)(\.weight|\.bias)$/.exec(name) ?? []
    const [, layer, inside = ''] = BLOCK.exec(stem) ?? []
    if (inside === 'attn.qkv') {
      for (const [one, third] of thirdsOf(name, tensor, width)) {
        result.set(`vit.encoder.layer.${layer}.attention.attention.${one}${end}`, third)
      }
      continue
    }
    const known = layer === undefined ? NAMES[stem] : LAYER_NAMES[inside]
    if (known === undefined) {
      failExtra(name, 'is none of a plain ViT of timm; a model that has it cannot be run')
    }
    result.set(`${layer === undefined ? '' : `vit.encoder.layer.${layer}.`}${known}${end}`, tensor)
  }
  return result
}

/** Query, key and value, which lie behind each other: (3C, C) or (3C). */
function thirdsOf(
  tensor: string,
  { dtype, shape, data }: RawTensor,
  width: number,
): (readonly [string, RawTensor])[] {
  const [, ...rest] = shape
  const wanted = [3 * width, ...rest.map(() => width)]
  if (shape.length > 2 || shape.join() !== wanted.join()) {
    throw new ModelError(
      { code: 'bad-shape', what: tensor },
      `timm model: tensor "${tensor}" of the checkpoint has shape [${shape}], query, key and value of the model need [${wanted}]`,
    )
  }
  const bytes = data.length / 3
  return ['query', 'key', 'value'].map((name, index) => [
    name,
    {
      dtype,
      shape: [width, ...rest],
      data: data.subarray(index * bytes, (index + 1) * bytes),
    },
  ])
}

function need(tensors: RawTensors, tensor: string): RawTensor {
  const found = tensors.get(tensor)
  if (found !== undefined) return found
  throw new ModelError(
    { code: 'missing-tensor', tensor },
    `timm model: tensor "${tensor}" of the checkpoint is missing`,
  )
}
