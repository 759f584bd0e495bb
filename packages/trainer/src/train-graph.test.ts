import {
  createReferenceEngine,
  forward,
  type ModelSpec,
  parseModelSpec,
  relativeL2,
  softmax,
  splitCheckpoint,
} from '@layerswarm/model'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCpuEngine } from './engine/cpu-engine.ts'
import { modelFile, readModelFile } from './model-file.ts'
import { layoutOf } from './parameters.ts'
import { createRandom } from './random.ts'
import { createInferenceSession, createTrainSession, type TrainSession } from './sessions.ts'

const spec: ModelSpec = parseModelSpec({
  variant: 'shuffle',
  imageSize: 8,
  patchSize: 4,
  channels: 1,
  width: 8,
  layers: 2,
  heads: 2,
  mlpWidth: 12,
  classes: 3,
  layerNormEps: 1e-6,
})
const BATCH = 3
const ORDER = [1, 0]
const layout = layoutOf(spec)
const random = createRandom(11, 'gradient check')
/** Large enough that attention is far from uniform, so that every gradient shows. */
const parameters = Float32Array.from({ length: layout.elements }, () => random.gaussian() * 0.6)
/** (B, 1, 8, 8) */
const images = Float32Array.from({ length: BATCH * 64 }, () => random.gaussian())
const TARGETS = Float32Array.from([0.9, 0.05, 0.05, 0.05, 0.9, 0.05, 0, 0, 1])

/** (B, 1, 8, 8) → (B·4, 16), written out separately from the trainer's own patch writer. */
function patchesOf(pixels: Float32Array): Float32Array {
  const patches: number[] = []
  for (let image = 0; image < BATCH; image++) {
    for (const [top, left] of [
      [0, 0],
      [0, 4],
      [4, 0],
      [4, 4],
    ] as const) {
      for (let pixel = 0; pixel < 16; pixel++) {
        const y = top + Math.floor(pixel / 4)
        patches.push(pixels[image * 64 + y * 8 + left + (pixel % 4)] as number)
      }
    }
  }
  return Float32Array.from(patches)
}

const engine = createCpuEngine(1)
let session: TrainSession
beforeAll(() => {
  session = createTrainSession(engine, spec, BATCH, parameters)
  session.patches.set(patchesOf(images))
  session.targets.set(TARGETS)
})
afterAll(() => session.close())

async function referenceLogits(): Promise<Float32Array> {
  const engine = createReferenceEngine(spec)
  for (const [part, file] of splitCheckpoint(modelFile(layout, parameters), spec)) {
    await engine.load(part, file)
  }
  const input = { shape: [BATCH, 1, 8, 8], data: images }
  return (await forward(engine, spec, input, ORDER)).data
}

describe('the graph of a training step', () => {
  test('computes the cross-entropy of the reference model', async () => {
    const logits = await referenceLogits()
    const { data } = softmax({ shape: [BATCH, 3], data: logits })
    const expected = -data.reduce((sum, p, i) => sum + Math.log(p) * (TARGETS[i] as number), 0)
    expect(await session.run(ORDER)).toBeCloseTo(expected / BATCH, 5)
  })

  test('computes the logits of the reference model', async () => {
    const inference = await createInferenceSession(engine, spec, BATCH, parameters)
    inference.patches.set(patchesOf(images))
    expect(relativeL2(await inference.run(ORDER), await referenceLogits())).toBeLessThan(1e-5)
    await inference.close()
  })

  const owned = layout.parts.flatMap(({ part, tensors }) =>
    tensors.map((tensor, index) => ({ part, tensor, index, label: `${part}.${tensor.name}` })),
  )
  test.each(owned)('has the gradient of finite differences for $label', async (parameter) => {
    const { part, tensor, index } = parameter
    await session.run(ORDER)
    // The layer's gradient comes from the slot in which it ran.
    const slot = typeof part === 'number' ? ORDER.indexOf(part) : part
    const from = layout.parts.find((one) => one.part === slot)?.tensors[index]?.offset ?? -1
    const gradient = session.gradients.slice(from, from + tensor.elements)
    const norm = Math.hypot(...gradient)
    if (tensor.name.endsWith('key.bias')) {
      // A shift of all keys moves the scores of a row alike, which softmax does not see.
      expect(norm).toBeLessThan(1e-5)
      return
    }
    expect(norm).toBeGreaterThan(3e-3)

    /** Loss after a move along the gradient, where the loss must rise by the norm per unit. */
    const lossAt = async (distance: number): Promise<number> => {
      const kept = parameters.slice(tensor.offset, tensor.offset + tensor.elements)
      kept.forEach((value, i) => {
        parameters[tensor.offset + i] = value + (distance * (gradient[i] as number)) / norm
      })
      const loss = await session.run(ORDER)
      parameters.set(kept, tensor.offset)
      return loss
    }
    const slope = async (h: number): Promise<number> =>
      ((await lossAt(h)) - (await lossAt(-h))) / (2 * h)
    // Richardson extrapolation: steps large enough for float32, errors of fourth order.
    const measured = (4 * (await slope(0.02)) - (await slope(0.04))) / 3
    expect(Math.abs(measured - norm) / norm).toBeLessThan(0.02)
  })
})

describe('patch dropout', () => {
  const KEPT = 3
  const smaller: ModelSpec = { ...spec, imageSize: 4 }
  const names = layout.parts.flatMap(({ part, tensors }) =>
    tensors.map(({ name }) => ({ part, name })),
  )
  const find = (of: typeof layout, part: unknown, name: string) => {
    const owner = of.parts.find((one) => one.part === part)
    const tensor = owner?.tensors.find((one) => one.name === name)
    if (tensor === undefined) throw new Error(`${part}.${name} does not exist`)
    return tensor
  }

  test('is a model of the kept patches, with their position embeddings', async () => {
    const own = layoutOf(smaller)
    const picked = new Float32Array(own.elements)
    const isPositions = (name: string): boolean => name === 'embeddings.position_embeddings'
    for (const { part, name } of names) {
      const { offset, elements } = find(layout, part, name)
      const values = parameters.subarray(offset, offset + elements)
      const { width } = spec
      const at = (1 + KEPT) * width
      const kept = isPositions(name)
        ? [...values.subarray(0, width), ...values.subarray(at, at + width)]
        : values
      picked.set(kept, find(own, part, name).offset)
    }
    const expected = createTrainSession(engine, smaller, BATCH, picked)
    const dropping = createTrainSession(engine, spec, BATCH, parameters)
    const all = patchesOf(images)
    for (let image = 0; image < BATCH; image++) {
      const at = (image * 4 + KEPT) * 16
      expected.patches.set(all.subarray(at, at + 16), image * 16)
    }
    expected.targets.set(TARGETS)
    dropping.patches.set(all)
    dropping.targets.set(TARGETS)
    expect(await dropping.run(ORDER, [KEPT])).toBe(await expected.run(ORDER))
    for (const { part, name } of names) {
      const { offset, elements } = find(layout, part, name)
      const gradient = Array.from(dropping.gradients.subarray(offset, offset + elements))
      const other = find(own, part, name)
      const wanted = Array.from(
        expected.gradients.subarray(other.offset, other.offset + other.elements),
      )
      if (isPositions(name)) {
        const { width } = spec
        const none = Array<number>(3 * width).fill(0)
        expect(gradient).toEqual([...wanted.slice(0, width), ...none, ...wanted.slice(width)])
      } else expect(gradient).toEqual(wanted)
    }
    await expected.close()
    await dropping.close()
  })
})

describe('a model file', () => {
  test('gives back the weights that were written', () => {
    const read = readModelFile(spec, modelFile(layout, parameters))
    expect(read).toEqual(parameters)
  })
})
