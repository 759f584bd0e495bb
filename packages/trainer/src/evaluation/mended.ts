import { argmax, layersOf, type Tensor } from '@layerswarm/model'
import type { TrainEngine } from '../engine/train-engine.ts'
import { type Answers, type Mender, type MenderTraining, mend, trainMender } from '../mender.ts'
import { createRandom } from '../random.ts'
import { type Spread, spreadOf } from './experiments.ts'
import type { ModelRunner } from './model-runner.ts'
import type { Experiment } from './sweep.ts'

/** What a mender is shown besides the logits that it adds to. */
export const MENDER_VIEWS = ['logits', 'logits and mask', 'class token and mask'] as const

/** One of `MENDER_VIEWS`. */
export type MenderView = (typeof MENDER_VIEWS)[number]

/** The answers of a batch after some of its layers. */
interface PartialAnswers {
  /** Layers that ran. */
  readonly left: number
  /** 1 for a layer that ran, (layers). */
  readonly mask: Float32Array
  /** What the head reads, each row with mean 0 and deviation 1, (B, C). */
  readonly classTokens: Float32Array
  /** (B, classes). */
  readonly logits: Float32Array
}

/**
 * Runs all layers in an order and tells after each what there is: stopped after k layers it is the
 * model with k random ones left.
 */
async function* answersAlong(
  runner: ModelRunner,
  tokens: Tensor,
  order: ArrayLike<number>,
): AsyncGenerator<PartialAnswers> {
  const mask = new Float32Array(order.length)
  let x = tokens
  for (let hop = 0; hop < order.length; hop++) {
    const layer = order[hop] as number
    x = await runner.apply(layer, x, hop)
    mask[layer] = 1
    const { data } = await runner.classify(x)
    yield { left: hop + 1, mask, classTokens: classTokensOf(x), logits: Float32Array.from(data) }
  }
}

/** The class tokens of (B, T, C), standardised. */
function classTokensOf({ shape, data }: Tensor): Float32Array {
  const [batch = 0, tokens = 1, width = 1] = shape
  const found = new Float32Array(batch * width)
  for (let image = 0; image < batch; image++) {
    const start = image * tokens * width
    const row = data.subarray(start, start + width)
    const { mean, std } = spreadOf([...row])
    found.set(
      Float32Array.from(row, (value) => (value - mean) / (std || 1)),
      image * width,
    )
  }
  return found
}

/** What a mender sees of a batch, (B, inputs). */
function viewOf(view: MenderView, { mask, classTokens, logits }: PartialAnswers, batch: number) {
  const values = view === 'class token and mask' ? classTokens : logits
  const shown = view === 'logits' ? new Float32Array() : mask
  const width = values.length / batch
  const inputs = new Float32Array(batch * (width + shown.length))
  for (let image = 0; image < batch; image++) {
    const at = image * (width + shown.length)
    inputs.set(values.subarray(image * width, (image + 1) * width), at)
    inputs.set(shown, at + width)
  }
  return inputs
}

/** Gathers answers for menders to learn from: every image in one drawn order, after each of its layers. */
export function gatherAnswers(
  runner: ModelRunner,
  seed: number,
): Experiment<(view: MenderView) => Answers> {
  const random = createRandom(seed, 'answers to mend')
  const chunks = new Map(MENDER_VIEWS.map((view) => [view, [] as Float32Array[]]))
  const logits: Float32Array[] = []
  const labels: number[] = []
  return {
    async run(batch) {
      const order = random.permutation(runner.spec.layers)
      for await (const answers of answersAlong(runner, batch.tokens, order)) {
        for (const [view, seen] of chunks) seen.push(viewOf(view, answers, batch.labels.length))
        logits.push(answers.logits)
        labels.push(...Array.from(batch.labels))
      }
    },
    result: () => (view) => ({
      inputs: joined(chunks.get(view) ?? []),
      logits: joined(logits),
      labels,
    }),
  }
}

function joined(chunks: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}

/** A mender for each view. */
export async function trainMenders(
  engine: TrainEngine,
  answersOf: (view: MenderView) => Answers,
  training: MenderTraining,
): Promise<ReadonlyMap<MenderView, Mender>> {
  const menders = new Map<MenderView, Mender>()
  for (const view of MENDER_VIEWS) {
    menders.set(view, await trainMender(engine, answersOf(view), training))
  }
  return menders
}

/** Accuracies by the number of layers left, 1 … all. */
export interface MendedAccuracies {
  readonly plain: readonly Spread[]
  readonly mended: ReadonlyMap<MenderView, readonly Spread[]>
}

/** Accuracy in arbitrary order with layers left out, as it is and mended; the same orders for all. */
export function withMenders(
  runner: ModelRunner,
  menders: ReadonlyMap<MenderView, Mender>,
  passes: number,
): Experiment<MendedAccuracies> {
  const layers = layersOf(runner.spec)
  const counts = Array.from({ length: passes }, (_, seed) => ({
    random: createRandom(seed, 'evaluation orders'),
    images: 0,
    plain: layers.map(() => 0),
    mended: new Map([...menders.keys()].map((view) => [view, layers.map(() => 0)])),
  }))
  return {
    async run({ tokens, labels }) {
      for (const pass of counts) {
        pass.images += labels.length
        const order = pass.random.permutation(layers.length)
        for await (const answers of answersAlong(runner, tokens, order)) {
          const at = answers.left - 1
          pass.plain[at] = (pass.plain[at] ?? 0) + rightOf(answers.logits, labels)
          for (const [view, mender] of menders) {
            const inputs = viewOf(view, answers, labels.length)
            const right = rightOf(mend(mender, inputs, answers.logits), labels)
            const own = pass.mended.get(view) ?? []
            own[at] = (own[at] ?? 0) + right
          }
        }
      }
    },
    result() {
      const spreads = (of: (pass: (typeof counts)[number]) => readonly number[]): Spread[] =>
        layers.map((at) => spreadOf(counts.map((pass) => (of(pass)[at] ?? 0) / pass.images)))
      return {
        plain: spreads(({ plain }) => plain),
        mended: new Map(
          [...menders.keys()].map((view) => [
            view,
            spreads(({ mended }) => mended.get(view) ?? []),
          ]),
        ),
      }
    },
  }
}

/** Right answers of logits (B, classes). */
function rightOf(logits: Float32Array, labels: ArrayLike<number>): number {
  const classes = logits.length / labels.length
  return Array.from(labels).filter(
    (label, image) => argmax(logits.subarray(image * classes, (image + 1) * classes)) === label,
  ).length
}
