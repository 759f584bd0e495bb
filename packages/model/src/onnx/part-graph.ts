import { ModelError } from '../errors.ts'
import { type ModelSpec, type Part, shapesOf, tokensOf, VARIANT_LAYER_NORM_EPS } from '../spec.ts'
import { createGraph, type GraphBuilder } from './graph.ts'

/** Where a tensor lies in its file, counted in bytes from the start of the file. */
export interface ExternalTensor {
  readonly dtype: 'F32' | 'F16' | 'I8' | 'I4'
  readonly shape: readonly number[]
  readonly offset: number
  readonly bytes: number
  /** Of I8 and I4: F32 of shape [rows]. */
  readonly scales?: Omit<ExternalTensor, 'scales'>
}

/** The weights of one part, left where they are in a safetensors file. */
export interface ExternalLayout {
  /** The name under which the runtime is given the bytes of the file. */
  readonly file: string
  readonly tensors: Readonly<Record<string, ExternalTensor>>
}

const ELEMENT_TYPE_OF = { F32: 'float32', F16: 'float16', I8: 'int8', I4: 'int4' } as const

/** Reads weights by name as float32 values of the graph. */
type Weight = (name: string) => string

/**
 * The ONNX graph of one part, with input `x` and output `y`; batch B and tokens T are symbolic.
 * Stem (B, channels, H, W) → (B, T, C), layer (B, T, C) → (B, T, C), head (B, T, C) → (B, classes).
 * A layer of a `position` model takes the hop index as a second input `hop`, int64 of shape [1].
 *
 * Only primitives, LayerNormalization and Gelu: fused attention operators of ONNX Runtime gave
 * wrong results on WebGPU.
 * @throws ModelError `missing-tensor`, or `bad-shape` when the layout does not fit the spec.
 */
export function partGraph(spec: ModelSpec, part: Part, layout: ExternalLayout): Uint8Array {
  const graph = createGraph(typeof part === 'number' ? `layer-${part}` : part)
  const weight = weightReader(graph, shapesOf(spec, part), layout)
  if (part === 'stem') buildStem(graph, spec, weight)
  else if (part === 'head') buildHead(graph, spec, weight)
  else buildLayer(graph, spec, weight)
  return graph.serialize()
}

function weightReader(
  graph: GraphBuilder,
  shapes: Readonly<Record<string, readonly number[]>>,
  { file, tensors }: ExternalLayout,
): Weight {
  return (name) => {
    const stored = Object.hasOwn(tensors, name) ? tensors[name] : undefined
    if (stored === undefined) {
      throw new ModelError(
        { code: 'missing-tensor', tensor: name },
        `${file} has no tensor "${name}"`,
      )
    }
    if (stored.shape.join() !== shapes[name]?.join()) {
      throw new ModelError(
        { code: 'bad-shape', what: name },
        `${file}: "${name}" has shape [${stored.shape}], the model needs [${shapes[name]}]`,
      )
    }
    const external = (tensor: string, { dtype, offset, bytes, shape }: ExternalTensor): string =>
      graph.external(tensor, ELEMENT_TYPE_OF[dtype], shape, { file, offset, bytes })
    const { dtype, scales } = stored
    const kept = external(name, stored)
    if (dtype === 'F32') return kept
    // Computing stays in float32; the Cast is folded when the session is created.
    if (dtype === 'F16' || scales === undefined) return graph.op('Cast', [kept], { to: 1 })
    // This one is not: the engine holds the whole numbers, and multiplies them by their row's scale for each run.
    return graph.op('DequantizeLinear', [kept, external(`${name}.scale`, scales)], { axis: 0 })
  }
}

/** x · Wᵀ + b over the last axis, for a stored weight W of shape [out, in]. */
function linear(graph: GraphBuilder, weight: Weight, x: string, name: string): string {
  const transposed = graph.op('Transpose', [weight(`${name}.weight`)], { perm: [1, 0] })
  return graph.op('Add', [graph.op('MatMul', [x, transposed]), weight(`${name}.bias`)])
}

function layerNorm(
  graph: GraphBuilder,
  weight: Weight,
  x: string,
  name: string,
  eps: number,
): string {
  return graph.op('LayerNormalization', [x, weight(`${name}.weight`), weight(`${name}.bias`)], {
    axis: -1,
    epsilon: { float: eps },
  })
}

function buildStem(graph: GraphBuilder, spec: ModelSpec, weight: Weight): void {
  const { width: c, channels, imageSize, patchSize: p } = spec
  const n = imageSize / p
  const pixels = channels * p * p
  const x = graph.input('x', ['B', channels, imageSize, imageSize])

  const blocks = graph.op('Reshape', [x, graph.integers([0, channels, n, p, n, p])])
  const ordered = graph.op('Transpose', [blocks], { perm: [0, 2, 4, 1, 3, 5] }) // (B, n, n, channels, p, p)
  const patches = graph.op('Reshape', [ordered, graph.integers([0, n * n, pixels])])
  // The convolution of Hugging Face's ViT has stride p: it is a product with each patch.
  const projection = weight('embeddings.patch_embeddings.projection.weight')
  const flat = graph.op('Reshape', [projection, graph.integers([c, pixels])])
  const transposed = graph.op('Transpose', [flat], { perm: [1, 0] })
  const embedded = graph.op('Add', [
    graph.op('MatMul', [patches, transposed]),
    weight('embeddings.patch_embeddings.projection.bias'),
  ]) // (B, T − 1, C)

  // Prepending the class token without a dynamic Expand: a zero token, to which the sum of class
  // token and positions, which is constant, is added.
  const shifted = graph.op('Pad', [embedded, graph.integers([0, 1, 0, 0, 0, 0])]) // (B, T, C)
  const cls = graph.op('Pad', [
    weight('embeddings.cls_token'),
    graph.integers([0, 0, 0, 0, n * n, 0]),
  ])
  const offsets = graph.op('Add', [cls, weight('embeddings.position_embeddings')]) // (1, T, C)
  graph.output('y', graph.op('Add', [shifted, offsets]), ['B', tokensOf(spec), c])
}

function buildHead(graph: GraphBuilder, spec: ModelSpec, weight: Weight): void {
  const x = graph.input('x', ['B', 'T', spec.width])
  const first = graph.op('Gather', [x, graph.constant(BigInt64Array.of(0n), [])], { axis: 1 }) // (B, C)
  const normed = layerNorm(graph, weight, first, 'layernorm', spec.layerNormEps)
  graph.output('y', linear(graph, weight, normed, 'classifier'), ['B', spec.classes])
}

function buildLayer(graph: GraphBuilder, spec: ModelSpec, weight: Weight): void {
  const { width: c, layerNormEps: eps } = spec
  const input = graph.input('x', ['B', 'T', c])
  const x = spec.variant === 'position' ? addPosition(graph, weight, input) : input
  const attended = graph.op('Add', [
    x,
    attention(graph, spec, weight, layerNorm(graph, weight, x, 'layernorm_before', eps)),
  ])
  const normed = layerNorm(graph, weight, attended, 'layernorm_after', eps)
  const hidden = graph.op('Gelu', [linear(graph, weight, normed, 'intermediate.dense')]) // (B, T, F)
  const mlp = linear(graph, weight, hidden, 'output.dense') // (B, T, C)
  graph.output('y', graph.op('Add', [attended, mlp]), ['B', 'T', c])
}

/** Multi-head self-attention (B, T, C) → (B, T, C), the output projection included. */
function attention(graph: GraphBuilder, spec: ModelSpec, weight: Weight, x: string): string {
  const { width: c, heads: h } = spec
  const d = c / h
  const split = (name: string, perm: readonly number[]): string => {
    const flat = linear(graph, weight, x, `attention.attention.${name}`)
    return graph.op('Transpose', [graph.op('Reshape', [flat, graph.integers([0, 0, h, d])])], {
      perm,
    })
  }
  const query = split('query', [0, 2, 1, 3]) // (B, H, T, D)
  const key = split('key', [0, 2, 3, 1]) // (B, H, D, T)
  const value = split('value', [0, 2, 1, 3]) // (B, H, T, D)
  // Scaling the queries touches T·D values per head instead of the T·T scores.
  const scaled = graph.op('Mul', [query, graph.scalar(1 / Math.sqrt(d))])
  const weights = graph.op('Softmax', [graph.op('MatMul', [scaled, key])], { axis: -1 }) // (B, H, T, T)
  const mixed = graph.op('Transpose', [graph.op('MatMul', [weights, value])], {
    perm: [0, 2, 1, 3],
  }) // (B, T, H, D)
  const merged = graph.op('Reshape', [mixed, graph.integers([0, 0, c])])
  return linear(graph, weight, merged, 'attention.output.dense')
}

/** x + gelu(Linear(LN([x, embedding of the hop]))), LayerShuffle-position (arXiv 2407.04513, section 3). */
function addPosition(graph: GraphBuilder, weight: Weight, x: string): string {
  const hop = graph.input('hop', [1], 'int64')
  const embedding = graph.op('Gather', [weight('embedding.weight'), hop], { axis: 0 }) // (1, E)
  const tokens = graph.op('Shape', [x], { start: 0, end: 2 }) // [B, T]
  const shape = graph.op('Concat', [tokens, graph.op('Shape', [embedding], { start: 1 })], {
    axis: 0,
  })
  const everywhere = graph.op('Expand', [embedding, shape]) // (B, T, E)
  const joined = graph.op('Concat', [x, everywhere], { axis: -1 }) // (B, T, C + E)
  const normed = layerNorm(graph, weight, joined, 'projection.net.0', VARIANT_LAYER_NORM_EPS)
  const projected = graph.op('Gelu', [linear(graph, weight, normed, 'projection.net.1')])
  return graph.op('Add', [x, projected]) // (B, T, C)
}
