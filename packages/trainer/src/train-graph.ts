import { type ModelSpec, type Part, tokensOf } from '@layerswarm/model'
import { createTape, type GraphWriter, type Step, type Tape } from './differentiable.ts'
import { cutIntoRounds } from './layer-order.ts'
import {
  type BatchSize,
  encoderLayer,
  type HopPrediction,
  hopPosition,
  hopPrediction,
} from './layer-steps.ts'
import { HOP_EMBEDDING, layoutOf } from './parameters.ts'

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
 * to which a `predict` model adds that of its guesses (mean over the layers), and the gradient of
 * every parameter. Standard operators only, so that it runs on any device.
 * @param rounds sizes of the rounds of slots that run on the same input; together fewer than all
 * layers where layers are dropped. Only `shuffle` models have rounds of more than one.
 */
export function writeTrainGraph(
  graph: GraphWriter,
  spec: ModelSpec,
  batch: number,
  rounds: readonly number[] = cutIntoRounds(spec.layers, 1),
): void {
  const slots = rounds.reduce((sum, size) => sum + size, 0)
  declareParameters(graph, spec, slots)
  const tape = createTape(graph)
  const targets = graph.input('targets', [batch, spec.classes])
  const { logits, predictions, backward } = forward(tape, spec, batch, rounds, 'training')
  const task = tape.crossEntropy(logits, targets, 1 / batch)
  const loss = predictions.reduce((sum, guess) => tape.add(sum, guess.loss), task.value)
  graph.output('loss', loss, [])
  backward(task.gradient)

  for (const { part, name, shape } of parametersOf(spec, slots)) {
    const gradient = tape.gradients.get(inputName(part, name))
    if (gradient !== undefined) graph.output(gradientName(part, name), gradient, shape)
  }
}

/** The same forward pass alone: inputs `patches` and all parameters, output `logits` (B, classes). */
export function writeInferenceGraph(graph: GraphWriter, spec: ModelSpec, batch: number): void {
  declareParameters(graph, spec, spec.layers)
  const { logits } = forward(
    createTape(graph),
    spec,
    batch,
    cutIntoRounds(spec.layers, 1),
    'inference',
  )
  graph.output('logits', logits, [batch, spec.classes])
}

/** The parameters of a graph with so many slots. */
function parametersOf(
  spec: ModelSpec,
  slots: number,
): { part: Part; name: string; shape: readonly number[] }[] {
  return layoutOf(spec)
    .parts.filter(({ part }) => typeof part !== 'number' || part < slots)
    .flatMap(({ part, tensors }) => tensors.map(({ name, shape }) => ({ part, name, shape })))
}

function declareParameters(graph: GraphWriter, spec: ModelSpec, slots: number): void {
  for (const { part, name, shape } of parametersOf(spec, slots)) {
    graph.input(inputName(part, name), shape)
  }
}

interface Forward {
  readonly logits: string
  /** What each slot of a `predict` model guesses in training. */
  readonly predictions: readonly HopPrediction[]
  backward(dLogits: string): void
}

function forward(
  tape: Tape,
  spec: ModelSpec,
  batch: number,
  rounds: readonly number[],
  purpose: 'training' | 'inference',
): Forward {
  const { graph } = tape
  const slots = rounds.reduce((sum, size) => sum + size, 0)
  const { width: c } = spec
  const size: BatchSize = { batch, tokens: tokensOf(spec) }
  const stem = patchEmbedding(tape, spec, size)
  const steps: Step[] = []
  const hopGradients: string[] = []
  const predictions: HopPrediction[] = []
  /** What one slot does to x, with what a variant adds to its layer. */
  function oneSlot(slot: number, x: string): Step[] {
    const prefix = inputName(slot, '')
    if (spec.variant === 'position') {
      const row = tape.slice(inputName('stem', HOP_EMBEDDING), 0, slot, slot + 1)
      const position = hopPosition(tape, spec, size, prefix, x, row, (gradient) => {
        hopGradients.unshift(gradient) // the way back meets the last slot first
      })
      return [position, encoderLayer(tape, spec, size, prefix, position.value)]
    }
    const layer = encoderLayer(tape, spec, size, prefix, x)
    if (spec.variant !== 'predict' || purpose === 'inference') return [layer]
    const guess = hopPrediction(tape, spec, size, prefix, layer.value, slot, 1 / (batch * slots))
    predictions.push(guess)
    const plusGuess = (dy: string): string => layer.backward(tape.add(dy, guess.backward()))
    return [{ value: layer.value, backward: plusGuess }]
  }

  let x = stem.value // (B·T, C)
  let slot = 0
  for (const members of rounds) {
    const own =
      members === 1 ? oneSlot(slot, x) : [layersAtOnce(tape, spec, size, slot, members, x)]
    steps.push(...own)
    x = own.at(-1)?.value ?? x
    slot += members
  }
  const images = tape.reshape(x, [batch, size.tokens, c])
  const cls = tape.reshape(tape.slice(images, 1, 0, 1), [batch, c])
  const norm = tape.layerNorm(cls, 'head.layernorm', spec.layerNormEps)
  const classifier = tape.linear(norm.value, 'head.classifier')
  return {
    logits: classifier.value,
    predictions,
    backward(dLogits) {
      const dCls = tape.reshape(norm.backward(classifier.backward(dLogits)), [batch, 1, c])
      // Only the class token reaches the loss directly.
      const padded = graph.op('Pad', [dCls, graph.integers([0, 0, 0, 0, size.tokens - 1, 0])])
      let gradient = tape.reshape(padded, [batch * size.tokens, c])
      for (const step of steps.toReversed()) gradient = step.backward(gradient)
      stem.backward(gradient)
      if (hopGradients.length > 0) {
        const table = graph.op('Concat', hopGradients, { axis: 0 }) // (slots, E)
        const unused = graph.integers([0, 0, spec.layers - slots, 0])
        const gradient = slots < spec.layers ? graph.op('Pad', [table, unused]) : table
        tape.gradients.set(inputName('stem', HOP_EMBEDDING), gradient)
      }
    },
  }
}

/**
 * The layers of `members` slots on the same x (B·T, C), their updates summed:
 * x + Σ (f(x) − x) = Σ f(x) − (members − 1) · x.
 */
function layersAtOnce(
  tape: Tape,
  spec: ModelSpec,
  size: BatchSize,
  first: number,
  members: number,
  x: string,
): Step {
  const layers = Array.from({ length: members }, (_, member) =>
    encoderLayer(tape, spec, size, inputName(first + member, ''), x),
  )
  const repeats = tape.graph.scalar(members - 1)
  const withoutRepeats = (terms: readonly string[], repeated: string): string =>
    tape.sub(
      terms.reduce((sum, term) => tape.add(sum, term)),
      tape.mul(repeated, repeats),
    )
  return {
    value: withoutRepeats(
      layers.map(({ value }) => value),
      x,
    ),
    backward: (dy) =>
      withoutRepeats(
        layers.map((layer) => layer.backward(dy)),
        dy,
      ),
  }
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
      gradients.set('stem.embeddings.cls_token', tape.slice(dOffsets, 1, 0, 1))
      const dPatches = tape.reshape(tape.slice(dImages, 1, 1, tokens), [batch * (tokens - 1), c])
      const dWeight = graph.op('Gemm', [dPatches, patches], { transA: 1 })
      gradients.set(`${projection}.weight`, tape.reshape(dWeight, [c, channels, p, p]))
      gradients.set(`${projection}.bias`, tape.sum(dPatches, 0, false))
      return dPatches
    },
  }
}
