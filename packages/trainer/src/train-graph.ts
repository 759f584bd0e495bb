import {
  createGraph,
  type GraphBuilder,
  type ModelSpec,
  type Part,
  tokensOf,
} from '@layerswarm/model'
import { createTape, type Step, type Tape } from './differentiable.ts'
import { type BatchSize, encoderLayer } from './layer-steps.ts'
import { layoutOf } from './parameters.ts'

/**
 * The name under which a graph takes a parameter. Layers stand for *slots* here: whichever layer
 * is fed to slot i is the i-th to be applied, so one graph serves every order.
 */
export function inputName(slot: Part, name: string): string {
  return `${slot}.${name}`
}

/** The name of the output with the gradient of a parameter. */
export function gradientName(slot: Part, name: string): string {
  return `gradient.${inputName(slot, name)}`
}

/**
 * The graph of one training step. Inputs: `patches` (B·P, channels·p·p), `targets` (B, classes)
 * with the wanted probabilities, and all parameters. Outputs: `loss` [], the mean cross-entropy,
 * and the gradient of every parameter. Standard operators only, so that it runs on any device.
 */
export function trainGraph(spec: ModelSpec, batch: number): Uint8Array {
  const graph = createGraph('train')
  declareParameters(graph, spec)
  const tape = createTape(graph)
  const targets = graph.input('targets', [batch, spec.classes])
  const { logits, backward } = forward(tape, spec, batch)

  const probabilities = graph.op('Softmax', [logits], { axis: -1 }) // (B, classes)
  const perClass = tape.mul(graph.op('Log', [probabilities]), targets)
  const total = graph.op('ReduceSum', [perClass, graph.integers([0, 1])], { keepdims: 0 })
  graph.output('loss', tape.mul(total, graph.scalar(-1 / batch)), [])
  backward(tape.mul(tape.sub(probabilities, targets), graph.scalar(1 / batch)))

  for (const { part, tensors } of layoutOf(spec).parts) {
    for (const { name, shape } of tensors) {
      const gradient = tape.gradients.get(inputName(part, name))
      if (gradient !== undefined) graph.output(gradientName(part, name), gradient, shape)
    }
  }
  return graph.serialize()
}

/** The same forward pass alone: inputs `patches` and all parameters, output `logits` (B, classes). */
export function inferenceGraph(spec: ModelSpec, batch: number): Uint8Array {
  const graph = createGraph('inference')
  declareParameters(graph, spec)
  const { logits } = forward(createTape(graph), spec, batch)
  graph.output('logits', logits, [batch, spec.classes])
  return graph.serialize()
}

function declareParameters(graph: GraphBuilder, spec: ModelSpec): void {
  for (const { part, tensors } of layoutOf(spec).parts) {
    for (const { name, shape } of tensors) graph.input(inputName(part, name), shape)
  }
}

interface Forward {
  readonly logits: string
  backward(dLogits: string): void
}

function forward(tape: Tape, spec: ModelSpec, batch: number): Forward {
  const { graph } = tape
  const { width: c } = spec
  const size: BatchSize = { batch, tokens: tokensOf(spec) }
  const stem = patchEmbedding(tape, spec, size)
  const layers: Step[] = []
  let x = stem.value // (B·T, C)
  for (let slot = 0; slot < spec.layers; slot++) {
    const layer = encoderLayer(tape, spec, size, inputName(slot, ''), x)
    layers.push(layer)
    x = layer.value
  }
  const images = tape.reshape(x, [batch, size.tokens, c])
  const cls = tape.reshape(slice(graph, images, 0, 1), [batch, c])
  const norm = tape.layerNorm(cls, 'head.layernorm', spec.layerNormEps)
  const classifier = tape.linear(norm.value, 'head.classifier')
  return {
    logits: classifier.value,
    backward(dLogits) {
      const dCls = tape.reshape(norm.backward(classifier.backward(dLogits)), [batch, 1, c])
      // Only the class token reaches the loss directly.
      const padded = graph.op('Pad', [dCls, graph.integers([0, 0, 0, 0, size.tokens - 1, 0])])
      let gradient = tape.reshape(padded, [batch * size.tokens, c])
      for (const layer of layers.toReversed()) gradient = layer.backward(gradient)
      stem.backward(gradient)
    },
  }
}

/** x (B, T, C) → its tokens from `start` to `end`. */
function slice(graph: GraphBuilder, x: string, start: number, end: number): string {
  return graph.op('Slice', [x, ...[start, end, 1].map((value) => graph.integers([value]))])
}

/** `patches` (B·P, channels·p·p) → tokens (B·T, C) with the class token and the positions. */
function patchEmbedding(tape: Tape, spec: ModelSpec, { batch, tokens }: BatchSize): Step {
  const { graph, gradients } = tape
  const { width: c, channels, patchSize: p } = spec
  const pixels = channels * p * p
  const projection = 'stem.embeddings.patch_embeddings.projection'
  const patches = graph.input('patches', [batch * (tokens - 1), pixels])
  const weight = tape.reshape(`${projection}.weight`, [c, pixels])
  const embedded = graph.op('Gemm', [patches, weight, `${projection}.bias`], { transB: 1 })
  const images = tape.reshape(embedded, [batch, tokens - 1, c])
  const shifted = graph.op('Pad', [images, graph.integers([0, 1, 0, 0, 0, 0])]) // (B, T, C)
  const cls = graph.op('Pad', [
    'stem.embeddings.cls_token',
    graph.integers([0, 0, 0, 0, tokens - 1, 0]),
  ]) // (1, T, C)
  const offsets = tape.add(cls, 'stem.embeddings.position_embeddings')
  return {
    value: tape.reshape(tape.add(shifted, offsets), [batch * tokens, c]),
    backward(gradient) {
      const dImages = tape.reshape(gradient, [batch, tokens, c])
      const dOffsets = tape.sum(dImages, 0, true) // (1, T, C)
      gradients.set('stem.embeddings.position_embeddings', dOffsets)
      gradients.set('stem.embeddings.cls_token', slice(graph, dOffsets, 0, 1))
      const dPatches = tape.reshape(slice(graph, dImages, 1, tokens), [batch * (tokens - 1), c])
      const dWeight = graph.op('Gemm', [dPatches, patches], { transA: 1 })
      gradients.set(`${projection}.weight`, tape.reshape(dWeight, [c, channels, p, p]))
      gradients.set(`${projection}.bias`, tape.sum(dPatches, 0, false))
      return dPatches
    },
  }
}
