import { gelu } from '@layerswarm/model'
import { adamwStep, createOptimizerState } from './adamw.ts'
import { createTape, type GraphWriter } from './differentiable.ts'
import { type TrainEngine, zeroTensor } from './engine/train-engine.ts'
import { MENDER_WARMUP_STEPS, MENDER_WIDTH } from './limits.ts'
import { initialParameters, type ParameterLayout, type ParameterTensor } from './parameters.ts'
import { createRandom } from './random.ts'
import { learningRateAt } from './schedule.ts'

/**
 * A small network behind the logits of a model whose weights stay as they are: it sees what is
 * there when layers are missing and which layers ran, and adds to the logits.
 * logits + W₂·gelu(W₁·input + b₁) + b₂.
 */
export interface Mender {
  /** Values of one input. */
  readonly inputs: number
  readonly classes: number
  readonly layout: ParameterLayout
  /** Flat, as `layout` says. */
  readonly weights: Float32Array
}

/** Answers to learn from; rows are images. */
export interface Answers {
  /** (N, inputs). */
  readonly inputs: Float32Array
  /** (N, classes), as the model gave them. */
  readonly logits: Float32Array
  /** (N). */
  readonly labels: ArrayLike<number>
}

/** How a mender learns. */
export interface MenderTraining {
  /** Answers per step; those left over by the last step of an epoch are not used in it. */
  readonly batch: number
  readonly epochs: number
  /** Peak; AdamW's, with a warm-up and a cosine. */
  readonly learningRate: number
  /** Decides weights and batches. */
  readonly seed: number
}

/** What a step of AdamW depends on besides. */
const ADAMW = { beta2: 0.98, weightDecay: 0.01, clip: 1, ema: 0.99 } as const

const gradientName = (name: string): string => `gradient.${name}`

/** Where the parameters of a mender lie. */
export function menderLayout(inputs: number, classes: number): ParameterLayout {
  let elements = 0
  const tensor = (name: string, shape: readonly number[]): ParameterTensor => {
    const size = shape.reduce((product, side) => product * side)
    const placed = { name, shape, offset: elements, elements: size, decays: shape.length > 1 }
    elements += size
    return placed
  }
  const tensors = [
    tensor('hidden.weight', [MENDER_WIDTH, inputs]),
    tensor('hidden.bias', [MENDER_WIDTH]),
    tensor('output.weight', [classes, MENDER_WIDTH]),
    tensor('output.bias', [classes]),
  ]
  return { elements, parts: [{ part: 'head', tensors }] }
}

/**
 * The graph of one step. Inputs: `inputs` (B, I), `logits` (B, K), `targets` (B, K) and the
 * parameters. Outputs: `loss` [], the mean cross-entropy, and the gradient of every parameter.
 */
export function writeMenderGraph(
  graph: GraphWriter,
  layout: ParameterLayout,
  batch: number,
  inputs: number,
  classes: number,
): void {
  const tape = createTape(graph)
  const tensors = layout.parts.flatMap((part) => part.tensors)
  for (const { name, shape } of tensors) graph.input(name, shape)
  const x = graph.input('inputs', [batch, inputs])
  const logits = graph.input('logits', [batch, classes])
  const targets = graph.input('targets', [batch, classes])
  const hidden = tape.linear(x, 'hidden') // (B, F)
  const active = tape.gelu(hidden.value)
  const output = tape.linear(active.value, 'output') // (B, K)
  const loss = tape.crossEntropy(tape.add(logits, output.value), targets, 1 / batch)
  graph.output('loss', loss.value, [])
  hidden.backward(active.backward(output.backward(loss.gradient)))
  for (const { name, shape } of tensors) {
    graph.output(gradientName(name), tape.gradients.get(name) ?? '', shape)
  }
}

/** Trains a mender by answers; it begins as one that changes nothing. The same answers and seed give the same weights. */
export async function trainMender(
  engine: TrainEngine,
  { inputs, logits, labels }: Answers,
  { batch, epochs, learningRate, seed }: MenderTraining,
): Promise<Mender> {
  const count = labels.length
  const [width, classes] = [inputs.length / count, logits.length / count]
  const layout = menderLayout(width, classes)
  const state = createOptimizerState(startWeights(layout, seed))
  const graph = await engine.compile((writer) =>
    writeMenderGraph(writer, layout, batch, width, classes),
  )
  const gradients = new Float32Array(layout.elements)
  const tensors = layout.parts.flatMap((part) => part.tensors)
  const views = (flat: Float32Array, nameOf: (name: string) => string) =>
    Object.fromEntries(
      tensors.map(({ name, shape, offset, elements }) => [
        nameOf(name),
        { shape, data: flat.subarray(offset, offset + elements) },
      ]),
    )
  const some = {
    inputs: zeroTensor([batch, width]),
    logits: zeroTensor([batch, classes]),
    targets: zeroTensor([batch, classes]),
  }
  const feeds = { ...views(state.parameters, (name) => name), ...some }
  const fetches = { loss: zeroTensor([]), ...views(gradients, gradientName) }
  const stepsPerEpoch = Math.floor(count / batch)
  const schedule = { learningRate, warmupSteps: MENDER_WARMUP_STEPS, steps: epochs * stepsPerEpoch }
  const random = createRandom(seed, 'mended answers')
  let step = 0
  for (let epoch = 0; epoch < epochs; epoch++) {
    const drawn = random.permutation(count)
    for (let at = 0; at < stepsPerEpoch; at++) {
      step += 1
      some.targets.data.fill(0)
      for (let row = 0; row < batch; row++) {
        const answer = drawn[at * batch + row] as number
        copyRow(some.inputs.data, row, inputs, answer, width)
        copyRow(some.logits.data, row, logits, answer, classes)
        some.targets.data[row * classes + (labels[answer] as number)] = 1
      }
      await graph.run(feeds, fetches)
      adamwStep(state, gradients, layout, [], step, learningRateAt(step, schedule), ADAMW)
    }
  }
  await graph.close()
  return { inputs: width, classes, layout, weights: state.ema }
}

/** Fresh weights, those of the second matrix zero. */
function startWeights(layout: ParameterLayout, seed: number): Float32Array {
  const weights = initialParameters(layout, createRandom(seed, 'weights of a mender'))
  const output = tensorOf(layout, 'output.weight')
  weights.fill(0, output.offset, output.offset + output.elements)
  return weights
}

function copyRow(
  target: Float32Array,
  row: number,
  source: Float32Array,
  from: number,
  width: number,
): void {
  target.set(source.subarray(from * width, (from + 1) * width), row * width)
}

function tensorOf({ parts }: ParameterLayout, name: string): ParameterTensor {
  const found = parts[0]?.tensors.find((tensor) => tensor.name === name)
  if (found === undefined) throw new RangeError(`a mender has no "${name}"`)
  return found
}

/** Mended logits (N, classes) of inputs (N, inputs) and logits (N, classes); plain loops. */
export function mend(
  { inputs: width, classes, layout, weights }: Mender,
  inputs: Float32Array,
  logits: Float32Array,
): Float32Array {
  const values = (name: string): Float32Array => {
    const { offset, elements } = tensorOf(layout, name)
    return weights.subarray(offset, offset + elements)
  }
  const [w1, b1] = [values('hidden.weight'), values('hidden.bias')]
  const [w2, b2] = [values('output.weight'), values('output.bias')]
  const hidden = new Float64Array(MENDER_WIDTH)
  const mended = new Float32Array(logits.length)
  for (let row = 0; row < logits.length / classes; row++) {
    for (let f = 0; f < MENDER_WIDTH; f++) {
      let sum = b1[f] as number
      for (let i = 0; i < width; i++) {
        sum += (w1[f * width + i] as number) * (inputs[row * width + i] as number)
      }
      hidden[f] = gelu(sum)
    }
    for (let k = 0; k < classes; k++) {
      let sum = (logits[row * classes + k] as number) + (b2[k] as number)
      for (let f = 0; f < MENDER_WIDTH; f++) {
        sum += (w2[k * MENDER_WIDTH + f] as number) * (hidden[f] as number)
      }
      mended[row * classes + k] = sum
    }
  }
  return mended
}
