import { keepsOrder, type LayerDtype, type ModelSpec, type Tensor } from '@layerswarm/model'
import { LAYER_FILES_PASSES } from '../limits.ts'
import type { PartFiles } from '../model-file.ts'
import { createRandom, type RandomStream } from '../random.ts'
import { type Spread, spreadOf } from './experiments.ts'
import type { ModelRunner } from './model-runner.ts'
import type { EmbeddedBatch, Experiment } from './sweep.ts'
import { createTally, type Tally } from './tally.ts'

/** What one kind of smaller layer files costs, and saves. */
export interface LayerFilesMeasure extends Spread {
  /**
   * How far a layer's output is from that of the model's own files, ‖a − b‖ / ‖b‖: the largest of single layers on one
   * input, and of all n of them one after the other over √n.
   */
  readonly apart: number
  /** Of the largest layer. */
  readonly layerBytes: number
}

/** A model with smaller files of its layers, all figures in the same orders: its own where it keeps one. */
export interface LayerFilesEvaluation {
  /** With the model's own files. */
  readonly own: Spread
  readonly ownLayerBytes: number
  readonly kinds: Readonly<Partial<Record<LayerDtype, LayerFilesMeasure>>>
  /** Every layer from any of these files, its own too, at random. */
  readonly mixed: Spread
}

/** A model's smaller files, opened. */
export interface OpenLayerFiles {
  readonly dtype: LayerDtype
  readonly runner: ModelRunner
  readonly layerBytes: number
}

/** Bytes of the largest layer. */
export function layerBytesOf({ layers }: ModelSpec, files: PartFiles): number {
  return Math.max(...Array.from({ length: layers }, (_, layer) => files.get(layer)?.length ?? 0))
}

/** One pass over the images in orders of its own. */
interface Pass {
  readonly orders: RandomStream
  readonly draws: RandomStream
  readonly own: Tally
  readonly mixed: Tally
  readonly kinds: readonly Tally[]
}

/** Measures smaller files of the layers of a model: accuracy of each kind and of all mixed, and how far they are apart. */
export function withLayerFiles(
  own: ModelRunner,
  kinds: readonly OpenLayerFiles[],
): Experiment<Omit<LayerFilesEvaluation, 'ownLayerBytes'>> {
  const { layers } = own.spec
  const passes = Array.from(
    { length: LAYER_FILES_PASSES },
    (_, seed): Pass => ({
      orders: createRandom(seed, 'evaluation orders'),
      draws: createRandom(seed, 'mixed layer files'),
      own: createTally(),
      mixed: createTally(),
      kinds: kinds.map(() => createTally()),
    }),
  )
  const apart = kinds.map(() => 0)
  let isFirst = true

  /** Layer by layer on what the model's own files make: the inputs of each are the same. */
  async function alone(tokens: Tensor, order: ArrayLike<number>): Promise<void> {
    let x = tokens
    for (let hop = 0; hop < layers; hop++) {
      const layer = order[hop] as number
      const y = await own.apply(layer, x, hop)
      for (const [at, { runner }] of kinds.entries())
        note(at, farthest(await runner.apply(layer, x, hop), y))
      x = y
    }
  }

  function note(at: number, distance: number): void {
    apart[at] = Math.max(apart[at] ?? 0, distance)
  }

  async function runPass(pass: Pass, { tokens, labels }: EmbeddedBatch): Promise<void> {
    const drawn = pass.orders.permutation(layers)
    const order = keepsOrder(own.spec) ? drawn.toSorted() : drawn
    if (isFirst) await alone(tokens, order)
    const hosts = [own, ...kinds.map(({ runner }) => runner)]
    const through = async (hostOf: () => ModelRunner) => {
      let x = tokens
      for (let hop = 0; hop < layers; hop++) x = await hostOf().apply(order[hop] as number, x, hop)
      return x
    }
    const whole = await through(() => own)
    pass.own.add(await own.classify(whole), labels)
    for (const [at, { runner }] of kinds.entries()) {
      const x = await through(() => runner)
      note(at, farthest(x, whole) / Math.sqrt(layers))
      pass.kinds[at]?.add(await own.classify(x), labels)
    }
    const mixed = await through(() => hosts[pass.draws.below(hosts.length)] ?? own)
    pass.mixed.add(await own.classify(mixed), labels)
  }

  return {
    async run(batch) {
      for (const pass of passes) await runPass(pass, batch)
      isFirst = false
    },
    result: () => ({
      own: spreadOf(passes.map((pass) => pass.own.accuracy())),
      kinds: Object.fromEntries(
        kinds.map(({ dtype, layerBytes }, at): [LayerDtype, LayerFilesMeasure] => [
          dtype,
          {
            ...spreadOf(passes.map((pass) => pass.kinds[at]?.accuracy() ?? 0)),
            ...{ apart: apart[at] ?? 0, layerBytes },
          },
        ]),
      ),
      mixed: spreadOf(passes.map((pass) => pass.mixed.accuracy())),
    }),
  }
}

/** Of each image of a batch ‖a − b‖ / ‖b‖; the largest. */
function farthest(a: Tensor, b: Tensor): number {
  const [batch = 1] = b.shape
  const size = b.data.length / batch
  let most = 0
  for (let image = 0; image < batch; image++) {
    let difference = 0
    let length = 0
    for (let i = image * size; i < (image + 1) * size; i++) {
      difference += ((a.data[i] as number) - (b.data[i] as number)) ** 2
      length += (b.data[i] as number) ** 2
    }
    most = Math.max(most, Math.sqrt(difference / length))
  }
  return most
}
