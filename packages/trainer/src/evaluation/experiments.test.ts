import {
  grayTensor,
  parseModelSpec,
  partValues,
  randomModel,
  rowsOf,
  writePart,
} from '@layerswarm/model'
import { afterEach, describe, expect, test } from 'vitest'
import type { PartFiles } from '../model-file.ts'
import { createRandom } from '../random.ts'
import { overWire, prunedInSequence } from './experiments.ts'
import { createModelRunner, type ModelRunner, runOrder } from './model-runner.ts'
import type { EmbeddedBatch } from './sweep.ts'
import { createTally } from './tally.ts'

const SPEC = parseModelSpec({
  ...{ variant: 'position', layers: 4, imageSize: 8, patchSize: 4, channels: 1, width: 8 },
  ...{ heads: 2, mlpWidth: 16, classes: 4, layerNormEps: 1e-6 },
})
const COUNT = 60

let runner: ModelRunner | undefined
afterEach(() => runner?.close())

async function open(files: PartFiles): Promise<[ModelRunner, EmbeddedBatch]> {
  runner = await createModelRunner(SPEC, files, 1)
  const random = createRandom(1, 'noise')
  const pixels = Uint8Array.from({ length: COUNT * 64 }, () => random.below(256))
  const format = { size: 8, channels: 1, mean: [0.5], std: [0.25], foreground: 'any' } as const
  const tokens = await runner.embed(grayTensor(pixels, format))
  return [runner, { tokens, labels: Uint8Array.from({ length: COUNT }, () => random.below(4)) }]
}

describe('pruning in sequence', () => {
  test('answers as the layers that are left, run one after the other', async () => {
    const [model, batch] = await open(randomModel(SPEC, 1))
    const experiment = prunedInSequence(model, 1)
    await experiment.run(batch)
    const drawn = createRandom(0, 'evaluation subsets').permutation(4)
    for (const [left, { mean }] of experiment.result().entries()) {
      const tally = createTally()
      const kept = drawn.subarray(0, left).toSorted()
      tally.add(await runOrder(model, batch.tokens, kept), batch.labels)
      expect(mean, `${left} layers`).toBe(tally.accuracy())
    }
  })
})

describe('the wire', () => {
  test('changes few answers with float16, and none with float32', async () => {
    const [model, batch] = await open(randomModel(SPEC, 1))
    const experiment = overWire(model)
    await experiment.run(batch)
    const { float32, float16 } = experiment.result()
    expect(float32?.agreement).toBe(1)
    expect(float16?.agreement).toBeGreaterThan(0.9)
  })

  test('cannot carry activations beyond float16 in float16, and says so', async () => {
    const files = randomModel(SPEC, 1)
    const stem = partValues(SPEC, 'stem', files.get('stem') ?? new Uint8Array())
    const cls = stem['embeddings.cls_token']?.map(() => 1e6) ?? new Float32Array()
    files.set('stem', writePart(SPEC, 'stem', { ...stem, 'embeddings.cls_token': cls }))
    const [model, batch] = await open(files)
    expect(rowsOf(batch.tokens)).toHaveLength(COUNT)
    const experiment = overWire(model)
    await experiment.run(batch)
    const { float32, float16, int8 } = experiment.result()
    expect(float16).toBeNull()
    expect(float32?.agreement).toBe(1)
    expect(int8?.accuracy).toBeGreaterThanOrEqual(0)
  })
})
