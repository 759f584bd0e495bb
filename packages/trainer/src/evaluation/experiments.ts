import {
  ACTIVATION_DTYPES,
  type ActivationDtype,
  argmax,
  layersOf,
  ModelError,
  rowsOf,
  type Tensor,
} from '@layerswarm/model'
import { createRandom } from '../random.ts'
import { type ModelRunner, runOrder, runOrderOverWire, wireBytes } from './model-runner.ts'
import { deviation, mean } from './statistics.ts'
import type { EmbeddedBatch, Experiment } from './sweep.ts'
import { createTally } from './tally.ts'

/** A mean over several passes and their spread (n − 1). */
export interface Spread {
  readonly mean: number
  /** Standard deviation between the passes. */
  readonly std: number
}

/** Mean and deviation (n − 1) of the results of several passes. */
export function spreadOf(values: readonly number[]): Spread {
  return { mean: mean(values), std: deviation(values) }
}

/** Accuracy with all layers in their own order. */
export function inSequence(runner: ModelRunner): Experiment<number> {
  const tally = createTally()
  const layers = layersOf(runner.spec)
  return {
    async run({ tokens, labels }) {
      tally.add(await runOrder(runner, tokens, layers), labels)
    },
    result: () => tally.accuracy(),
  }
}

/**
 * Accuracy with some layers left out and the others in their own order, for every number of layers
 * left; each batch draws its layers anew, and every draw is a pass over all images.
 * @returns by the number of layers left, 0 … layers − 1.
 */
export function prunedInSequence(runner: ModelRunner, draws: number): Experiment<Spread[]> {
  const { layers } = runner.spec
  const passes = Array.from({ length: draws }, (_, seed) => ({
    random: createRandom(seed, 'evaluation subsets'),
    tallies: Array.from({ length: layers }, createTally),
  }))
  return {
    async run({ tokens, labels }) {
      for (const { random, tallies } of passes) {
        const drawn = random.permutation(layers)
        tallies[0]?.add(await runner.classify(tokens), labels)
        // The subsets grow by one layer: what runs before it is computed already.
        const kept: number[] = []
        const states = [tokens] // after no layer, after the first one kept, …
        for (const [index, tally] of tallies.slice(1).entries()) {
          const layer = drawn[index] as number
          const place = kept.filter((one) => one < layer).length
          kept.splice(place, 0, layer)
          states.length = place + 1
          for (let hop = place; hop < kept.length; hop++) {
            states.push(await runner.apply(kept[hop] as number, states[hop] as Tensor, hop))
          }
          tally.add(await runner.classify(states.at(-1) as Tensor), labels)
        }
      }
    },
    result: () =>
      layersOf(runner.spec).map((left) =>
        spreadOf(passes.map(({ tallies }) => tallies[left]?.accuracy() ?? 0)),
      ),
  }
}

/** What a dtype of the activations does to the answers. */
export interface WireMeasure {
  /** Accuracy in arbitrary order, 0 … 1. */
  readonly accuracy: number
  /** Share of images with the same answer as with float32. */
  readonly agreement: number
  /** One image's activation between two layers. */
  readonly bytesPerHop: number
}

/** By dtype; null where activations are too large to be sent in it. */
export type WireMeasures = Readonly<Record<ActivationDtype, WireMeasure | null>>

/** Accuracy in arbitrary order, every activation encoded as it travels; the same orders for all dtypes. */
export function overWire(runner: ModelRunner): Experiment<WireMeasures> {
  const random = createRandom(0, 'evaluation orders')
  const measures = {
    float32: createWireTally(runner, 'float32'),
    float16: createWireTally(runner, 'float16'),
    int8: createWireTally(runner, 'int8'),
  }
  return {
    async run(batch) {
      const order = random.permutation(runner.spec.layers)
      const plain = rowsOf(await runOrder(runner, batch.tokens, order)).map(argmax)
      for (const dtype of ACTIVATION_DTYPES) await measures[dtype].add(batch, order, plain)
    },
    result: () => ({
      float32: measures.float32.result(),
      float16: measures.float16.result(),
      int8: measures.int8.result(),
    }),
  }
}

interface WireTally {
  /** @param plain the answers to the batch without any encoding. */
  add(batch: EmbeddedBatch, order: Uint32Array, plain: readonly number[]): Promise<void>
  result(): WireMeasure | null
}

function createWireTally(runner: ModelRunner, dtype: ActivationDtype): WireTally {
  let images = 0
  let correct = 0
  let agreed = 0
  let bytesPerHop = 0
  let isSendable = true

  /** The answers over the wire; float32 loses nothing on its way. */
  async function answersOf(tokens: Tensor, order: Uint32Array, plain: readonly number[]) {
    if (dtype === 'float32') return plain
    return rowsOf(await runOrderOverWire(runner, tokens, order, dtype)).map(argmax)
  }

  return {
    async add({ tokens, labels }, order, plain) {
      if (!isSendable) return
      try {
        const answers = await answersOf(tokens, order, plain)
        bytesPerHop = wireBytes(dtype, tokens)
        images += labels.length
        correct += answers.filter((answer, image) => answer === labels[image]).length
        agreed += answers.filter((answer, image) => answer === plain[image]).length
      } catch (error) {
        if (!(error instanceof ModelError) || error.code !== 'bad-activation') throw error
        isSendable = false
      }
    },
    result: () =>
      isSendable && images > 0
        ? { accuracy: correct / images, agreement: agreed / images, bytesPerHop }
        : null,
  }
}
