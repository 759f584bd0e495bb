import type { Engine } from './engine.ts'
import { partValues } from './part-file.ts'
import { checkPartInput, partName, throwNotLoaded } from './part-input.ts'
import {
  type ModelSpec,
  type Part,
  POSITION_WIDTH,
  tokensOf,
  VARIANT_LAYER_NORM_EPS,
} from './spec.ts'
import type { Tensor } from './tensor.ts'

/**
 * The forward pass in plain loops: slow, obvious, computed in float64, rounded to float32 between
 * parts. Every engine must agree with it, and it agrees with PyTorch (test/unit/vectors.test.ts).
 *
 * Rows are flat arrays: x (rows, C) has row r at x[r·C … r·C + C − 1]; rows are B·T tokens.
 */
type Rows = Float64Array

/** The tensors of one part by name. */
export type PartValues = Readonly<Record<string, Float32Array>>

/** Takes the weight and the bias of a module out of a part's tensors. */
function weightAndBias(values: PartValues, module: string): [Float32Array, Float32Array] {
  return [take(values, `${module}.weight`), take(values, `${module}.bias`)]
}

function take(values: PartValues, name: string): Float32Array {
  const value = values[name]
  if (value === undefined) throw new Error(`tensor "${name}" is missing`)
  return value
}

/** y = x·Wᵀ + b. x (rows, in), W (out, in), b (out) → (rows, out) */
function linear(x: Rows, [weight, bias]: [Float32Array, Float32Array]): Rows {
  const outWidth = bias.length
  const inWidth = weight.length / outWidth
  const rows = x.length / inWidth
  const y = new Float64Array(rows * outWidth)
  for (let row = 0; row < rows; row++) {
    for (let out = 0; out < outWidth; out++) {
      let sum = bias[out] as number
      for (let i = 0; i < inWidth; i++) {
        sum += (x[row * inWidth + i] as number) * (weight[out * inWidth + i] as number)
      }
      y[row * outWidth + out] = sum
    }
  }
  return y
}

/** Normalises each row to mean 0 and variance 1, then scales and shifts. (rows, C) → (rows, C) */
function layerNorm(x: Rows, [weight, bias]: [Float32Array, Float32Array], eps: number): Rows {
  const width = weight.length
  const y = new Float64Array(x.length)
  for (let start = 0; start < x.length; start += width) {
    let mean = 0
    for (let i = 0; i < width; i++) mean += (x[start + i] as number) / width
    let variance = 0
    for (let i = 0; i < width; i++) variance += ((x[start + i] as number) - mean) ** 2 / width
    const scale = 1 / Math.sqrt(variance + eps)
    for (let i = 0; i < width; i++) {
      const normal = ((x[start + i] as number) - mean) * scale
      y[start + i] = normal * (weight[i] as number) + (bias[i] as number)
    }
  }
  return y
}

/**
 * The error function by its series of positive terms, 2/√π·e^(−x²)·Σ 2ⁿx^(2n+1)/(2n+1)!!
 * (Abramowitz and Stegun 7.1.6); from 6 on it is 1 to the last bit of a float64.
 */
export function erf(x: number): number {
  const z = Math.abs(x)
  if (z >= 6) return Math.sign(x)
  let term = z
  let sum = z
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * z * z) / (2 * n + 1)
    sum += term
  }
  return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum
}

/** The exact GELU, x·Φ(x), as PyTorch's default; not the tanh approximation. */
export function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2))
}

function add(x: Rows, y: Rows): Rows {
  return x.map((value, i) => value + (y[i] as number))
}

/** Softmax of one row. */
function softmaxRow(scores: Rows): Rows {
  const largest = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const powers = scores.map((score) => Math.exp(score - largest))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((power) => power / sum)
}

/** Multi-head self-attention without its output projection. (B·T, C) → (B·T, C) */
function attention(spec: ModelSpec, values: PartValues, x: Rows): Rows {
  const { width, heads } = spec
  const headWidth = width / heads
  const query = linear(x, weightAndBias(values, 'attention.attention.query')) // (B·T, C)
  const key = linear(x, weightAndBias(values, 'attention.attention.key')) // (B·T, C)
  const value = linear(x, weightAndBias(values, 'attention.attention.value')) // (B·T, C)
  const imageValues = tokensOf(spec) * width
  const mixed = new Float64Array(x.length)
  for (let at = 0; at < x.length; at += headWidth) {
    // The slice at … at + headWidth is one head of one token; it sees the tokens of its image.
    const image = Math.floor(at / imageValues) * imageValues
    const keys = key.subarray(image, image + imageValues) // (T, C)
    const others = value.subarray(image, image + imageValues) // (T, C)
    const slice = query.subarray(at, at + headWidth)
    mixed.set(attend(slice, keys, others, width, at % width), at)
  }
  return mixed
}

/**
 * One head of one token: softmax(q·Kᵀ/√d)·V over the columns from `column` on.
 * q (d), K (T, C), V (T, C) → (d)
 */
function attend(q: Rows, keys: Rows, values: Rows, width: number, column: number): Rows {
  const scores = new Float64Array(keys.length / width) // (T)
  for (let token = 0; token < scores.length; token++) {
    let sum = 0
    for (let i = 0; i < q.length; i++) {
      sum += (q[i] as number) * (keys[token * width + column + i] as number)
    }
    scores[token] = sum / Math.sqrt(q.length)
  }
  const shares = softmaxRow(scores) // (T)
  const mixed = new Float64Array(q.length) // (d)
  for (let token = 0; token < shares.length; token++) {
    for (let i = 0; i < q.length; i++) {
      const value = values[token * width + column + i] as number
      mixed[i] = (mixed[i] as number) + (shares[token] as number) * value
    }
  }
  return mixed
}

/** `position` variant: x += gelu(Linear(LN([x, embedding of the hop]))), before the layer. */
function addPosition(spec: ModelSpec, values: PartValues, x: Rows, hop: number): Rows {
  const { width } = spec
  const embedding = take(values, 'embedding.weight') // (layers, 32)
  const wide = width + POSITION_WIDTH
  const joined = new Float64Array((x.length / width) * wide) // (B·T, C + 32)
  for (let row = 0; row < x.length / width; row++) {
    joined.set(x.subarray(row * width, (row + 1) * width), row * wide)
    joined.set(
      embedding.subarray(hop * POSITION_WIDTH, (hop + 1) * POSITION_WIDTH),
      row * wide + width,
    )
  }
  const normal = layerNorm(
    joined,
    weightAndBias(values, 'projection.net.0'),
    VARIANT_LAYER_NORM_EPS,
  ) // (B·T, C + 32)
  return add(x, linear(normal, weightAndBias(values, 'projection.net.1')).map(gelu)) // (B·T, C)
}

/** Images (B, channels, H, W) → tokens (B, T, C): the class token, then the patches row by row. */
export function referenceStem(spec: ModelSpec, values: PartValues, images: Tensor): Tensor {
  const { channels, imageSize, patchSize, width } = spec
  const batch = checkPartInput(spec, 'stem', images, 0)
  const tokens = tokensOf(spec)
  const side = imageSize / patchSize
  const patchValues = channels * patchSize * patchSize
  const patches = new Float64Array(batch * side * side * patchValues) // (B·side², channels·p·p)
  let to = 0
  for (let patch = 0; patch < batch * side * side; patch++) {
    const image = Math.floor(patch / (side * side))
    const top = (Math.floor(patch / side) % side) * patchSize
    const left = (patch % side) * patchSize
    for (let i = 0; i < patchValues; i++) {
      const channel = Math.floor(i / (patchSize * patchSize))
      const y = top + (Math.floor(i / patchSize) % patchSize)
      const x = left + (i % patchSize)
      patches[to++] = images.data[
        ((image * channels + channel) * imageSize + y) * imageSize + x
      ] as number
    }
  }
  // The projection's weight (C, channels, p, p) is a Linear over the values of one patch.
  const embedded = linear(patches, weightAndBias(values, 'embeddings.patch_embeddings.projection')) // (B·side², C)
  const cls = take(values, 'embeddings.cls_token') // (C)
  const positions = take(values, 'embeddings.position_embeddings') // (T, C)
  const data = new Float32Array(batch * tokens * width)
  for (let image = 0; image < batch; image++) {
    for (let i = 0; i < tokens * width; i++) {
      const content = i < width ? cls[i] : embedded[image * (tokens - 1) * width + i - width]
      data[image * tokens * width + i] = (content as number) + (positions[i] as number)
    }
  }
  return { shape: [batch, tokens, width], data }
}

/** One encoder layer, pre-norm, at position `hop`. (B, T, C) → (B, T, C) */
export function referenceLayer(
  spec: ModelSpec,
  values: PartValues,
  input: Tensor,
  hop: number,
): Tensor {
  checkPartInput(spec, 0, input, hop)
  const eps = spec.layerNormEps
  let x: Rows = Float64Array.from(input.data) // (B·T, C)
  if (spec.variant === 'position') x = addPosition(spec, values, x, hop)
  const before = layerNorm(x, weightAndBias(values, 'layernorm_before'), eps) // (B·T, C)
  const mixed = attention(spec, values, before) // (B·T, C)
  x = add(x, linear(mixed, weightAndBias(values, 'attention.output.dense'))) // (B·T, C)
  const after = layerNorm(x, weightAndBias(values, 'layernorm_after'), eps) // (B·T, C)
  const hidden = linear(after, weightAndBias(values, 'intermediate.dense')).map(gelu) // (B·T, F)
  x = add(x, linear(hidden, weightAndBias(values, 'output.dense'))) // (B·T, C)
  return { shape: input.shape, data: Float32Array.from(x) }
}

/** Norm and classifier on the class token. (B, T, C) → logits (B, classes) */
export function referenceHead(spec: ModelSpec, values: PartValues, input: Tensor): Tensor {
  const { width, classes, layerNormEps } = spec
  const batch = checkPartInput(spec, 'head', input, 0)
  const stride = tokensOf(spec) * width
  const cls = new Float64Array(batch * width) // (B, C)
  for (let image = 0; image < batch; image++) {
    cls.set(input.data.subarray(image * stride, image * stride + width), image * width)
  }
  const normal = layerNorm(cls, weightAndBias(values, 'layernorm'), layerNormEps) // (B, C)
  const logits = linear(normal, weightAndBias(values, 'classifier')) // (B, classes)
  return { shape: [batch, classes], data: Float32Array.from(logits) }
}

/**
 * `predict` variant: the layer's guess of the hop it ran at, Linear(LN(mean over tokens)).
 * Used in training only. Output of a layer (B, T, C) → logits (B, layers), rows of float64.
 */
export function referenceHopLogits(spec: ModelSpec, values: PartValues, output: Tensor): Rows {
  const { width } = spec
  const tokens = tokensOf(spec)
  const mean = new Float64Array((output.data.length / (tokens * width)) * width) // (B, C)
  for (let i = 0; i < output.data.length; i++) {
    const at = Math.floor(i / (tokens * width)) * width + (i % width)
    mean[at] = (mean[at] as number) + (output.data[i] as number) / tokens
  }
  const norm = weightAndBias(values, 'position_mlp.net.0')
  const normal = layerNorm(mean, norm, VARIANT_LAYER_NORM_EPS)
  return linear(normal, weightAndBias(values, 'position_mlp.net.1'))
}

/** The engine that computes with the loops above: the oracle, and the engine of tiny models. */
export function createReferenceEngine(spec: ModelSpec): Engine {
  const loaded = new Map<Part, PartValues>()
  let closed = false
  return {
    name: 'reference',
    viewsFiles: true,
    async load(part, file) {
      if (closed) throw new Error(`the engine is closed; ${partName(part)} cannot be loaded`)
      loaded.set(part, partValues(spec, part, file))
    },
    async run(part, input, hop) {
      const values = loaded.get(part) ?? throwNotLoaded(part)
      if (part === 'stem') return referenceStem(spec, values, input)
      if (part === 'head') return referenceHead(spec, values, input)
      return referenceLayer(spec, values, input, hop)
    },
    async unload(part) {
      loaded.delete(part)
    },
    async close() {
      closed = true
      loaded.clear()
    },
  }
}
