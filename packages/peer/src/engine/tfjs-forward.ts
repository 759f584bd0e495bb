import {
  type ModelSpec,
  type Part,
  POSITION_WIDTH,
  tokensOf,
  VARIANT_LAYER_NORM_EPS,
} from '@layerswarm/model'
import * as tf from '@tensorflow/tfjs-core'

/** The tensors of one part on the GPU, by name, in the shapes in which they are stored. */
export type TfjsWeights = Readonly<Record<string, tf.Tensor>>

/**
 * The forward pass of one part in tfjs, line for line that of `reference.ts`. To be called in a
 * `tidy`. Stem (B, channels, H, W) → (B, T, C), layer (B, T, C) → (B, T, C), head → (B, classes).
 */
export function runPart(
  spec: ModelSpec,
  part: Part,
  weights: TfjsWeights,
  input: tf.Tensor,
  hop: number,
): tf.Tensor {
  if (part === 'stem') return stem(spec, weights, input)
  if (part === 'head') return head(spec, weights, input)
  return layer(spec, weights, input, hop)
}

function take(weights: TfjsWeights, name: string): tf.Tensor {
  const weight = weights[name]
  if (weight === undefined) throw new Error(`tensor "${name}" is missing`)
  return weight
}

/** x·Wᵀ + b over the last axis of rows. (rows, in), W (out, in) → (rows, out) */
function linear(weights: TfjsWeights, rows: tf.Tensor, name: string): tf.Tensor {
  const weight = take(weights, `${name}.weight`)
  const [out = 1] = weight.shape
  const flat = tf.reshape(weight, [out, -1])
  return tf.add(tf.matMul(rows, flat, false, true), take(weights, `${name}.bias`))
}

/** (rows, C) → (rows, C) */
function layerNorm(weights: TfjsWeights, rows: tf.Tensor, name: string, eps: number): tf.Tensor {
  const centred = tf.sub(rows, tf.mean(rows, -1, true))
  const variance = tf.mean(tf.square(centred), -1, true)
  const normal = tf.mul(centred, tf.rsqrt(tf.add(variance, eps)))
  return tf.add(tf.mul(normal, take(weights, `${name}.weight`)), take(weights, `${name}.bias`))
}

/** The exact GELU, x·Φ(x). */
function gelu(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1))
}

function stem(spec: ModelSpec, weights: TfjsWeights, images: tf.Tensor): tf.Tensor {
  const { channels, imageSize, patchSize: p, width: c } = spec
  const [batch = 1] = images.shape
  const n = imageSize / p
  // Five axes at once are more than the transpose kernel does well: rows of patches first.
  const rows = tf.reshape(images, [batch * channels, n, p, n * p])
  const blocks = tf.transpose(tf.reshape(rows, [batch * channels * n, p, n, p]), [0, 2, 1, 3]) // (B·ch·n, n, p, p)
  const ordered = tf.transpose(tf.reshape(blocks, [batch, channels, n * n, p * p]), [0, 2, 1, 3]) // (B, n², ch, p²)
  const patches = tf.reshape(ordered, [batch * n * n, channels * p * p])
  const embedded = linear(weights, patches, 'embeddings.patch_embeddings.projection')
  const cls = tf.tile(tf.reshape(take(weights, 'embeddings.cls_token'), [1, 1, c]), [batch, 1, 1])
  const tokens = tf.concat([cls, tf.reshape(embedded, [batch, n * n, c])], 1) // (B, T, C)
  return tf.add(
    tokens,
    tf.reshape(take(weights, 'embeddings.position_embeddings'), [1, tokensOf(spec), c]),
  )
}

function head(spec: ModelSpec, weights: TfjsWeights, input: tf.Tensor): tf.Tensor {
  const { width: c, layerNormEps } = spec
  const [batch = 1] = input.shape
  const cls = tf.reshape(tf.slice(input, [0, 0, 0], [batch, 1, c]), [batch, c]) // (B, C)
  return linear(weights, layerNorm(weights, cls, 'layernorm', layerNormEps), 'classifier')
}

function layer(spec: ModelSpec, weights: TfjsWeights, input: tf.Tensor, hop: number): tf.Tensor {
  const { width: c, layerNormEps: eps } = spec
  const [batch = 1, tokens = 1] = input.shape
  let x: tf.Tensor = tf.reshape(input, [batch * tokens, c]) // (B·T, C)
  if (spec.variant === 'position') x = addPosition(weights, x, hop)
  const before = layerNorm(weights, x, 'layernorm_before', eps)
  const mixed = attention(spec, weights, before, batch)
  const attended = tf.add(x, linear(weights, mixed, 'attention.output.dense'))
  const after = layerNorm(weights, attended, 'layernorm_after', eps)
  const hidden = gelu(linear(weights, after, 'intermediate.dense')) // (B·T, F)
  return tf.reshape(tf.add(attended, linear(weights, hidden, 'output.dense')), [batch, tokens, c])
}

/** Multi-head self-attention, without its output projection. (B·T, C) → (B·T, C) */
function attention(
  spec: ModelSpec,
  weights: TfjsWeights,
  rows: tf.Tensor,
  batch: number,
): tf.Tensor {
  const { width: c, heads: h } = spec
  const d = c / h
  const tokens = (rows.shape[0] ?? 0) / batch
  const split = (name: string): tf.Tensor => {
    const flat = linear(weights, rows, `attention.attention.${name}`)
    return tf.transpose(tf.reshape(flat, [batch, tokens, h, d]), [0, 2, 1, 3]) // (B, H, T, D)
  }
  const scaled = tf.mul(split('query'), 1 / Math.sqrt(d))
  const shares = tf.softmax(tf.matMul(scaled, split('key'), false, true)) // (B, H, T, T)
  const mixed = tf.transpose(tf.matMul(shares, split('value')), [0, 2, 1, 3]) // (B, T, H, D)
  return tf.reshape(mixed, [batch * tokens, c])
}

/** x + gelu(Linear(LN([x, embedding of the hop]))), LayerShuffle-position (arXiv 2407.04513). */
function addPosition(weights: TfjsWeights, x: tf.Tensor, hop: number): tf.Tensor {
  const [rows = 1] = x.shape
  const embedding = tf.slice(take(weights, 'embedding.weight'), [hop, 0], [1, POSITION_WIDTH])
  const joined = tf.concat([x, tf.tile(embedding, [rows, 1])], 1) // (B·T, C + 32)
  const normal = layerNorm(weights, joined, 'projection.net.0', VARIANT_LAYER_NORM_EPS)
  return tf.add(x, gelu(linear(weights, normal, 'projection.net.1')))
}
