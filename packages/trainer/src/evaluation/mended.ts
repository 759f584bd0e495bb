import { layersOf, type Tensor } from '@layerswarm/model'
import type { TrainEngine } from '../engine/train-engine.ts'
import { type Answers, type Mender, type MenderTraining, mend, trainMender } from '../mender.ts'
import { createRandom } from '../random.ts'
import { type Spread, spreadOf } from './experiments.ts'
import { type ModelRunner, type Step, stepsOf } from './model-runner.ts'
import type { Experiment } from './sweep.ts'
import { createTally, type Tally } from './tally.ts'

/** What a mender is shown besides the logits that it adds to. */
export const MENDER_VIEWS = ['logits', 'logits and mask', 'class token and mask'] as const

/** One of `MENDER_VIEWS`. */
export type MenderView = (typeof MENDER_VIEWS)[number]

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

/** What menders see of a batch after one of its layers, by view, (B, inputs). @param mask 1 for a layer that ran, (layers). */
function viewsOf(
  { tokens, logits }: Step,
  mask: Float32Array,
  batch: number,
): ReadonlyMap<MenderView, Float32Array> {
  return new Map<MenderView, Float32Array>([
    ['logits', shownOf(logits.data, new Float32Array(), batch)],
    ['logits and mask', shownOf(logits.data, mask, batch)],
    ['class token and mask', shownOf(classTokensOf(tokens), mask, batch)],
  ])
}

/** Each row of (B, N) with the same values behind it, (B, N + shown). */
function shownOf(values: Float32Array, shown: Float32Array, batch: number): Float32Array {
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
      const mask = new Float32Array(order.length)
      for await (const step of stepsOf(runner, batch.tokens, order)) {
        mask[step.layer] = 1
        for (const [view, inputs] of viewsOf(step, mask, batch.labels.length))
          chunks.get(view)?.push(inputs)
        logits.push(step.logits.data)
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
  const all = Array.from({ length: passes }, (_, seed) => ({
    random: createRandom(seed, 'evaluation orders'),
    plain: layers.map(createTally),
    mended: new Map([...menders.keys()].map((view) => [view, layers.map(createTally)])),
  }))
  return {
    async run({ tokens, labels }) {
      for (const { random, plain, mended } of all) {
        const order = random.permutation(layers.length)
        const mask = new Float32Array(order.length)
        for await (const step of stepsOf(runner, tokens, order)) {
          const { layer, applied, logits } = step
          mask[layer] = 1
          plain[applied - 1]?.add(logits, labels)
          const views = viewsOf(step, mask, labels.length)
          for (const [view, mender] of menders) {
            const data = mend(mender, views.get(view) ?? new Float32Array(), logits.data)
            mended.get(view)?.[applied - 1]?.add({ shape: logits.shape, data }, labels)
          }
        }
      }
    },
    result() {
      const spreads = (of: (pass: (typeof all)[number]) => readonly Tally[]): Spread[] =>
        layers.map((at) => spreadOf(all.map((pass) => of(pass)[at]?.accuracy() ?? 0)))
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
