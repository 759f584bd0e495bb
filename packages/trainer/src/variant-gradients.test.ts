import {
  type ModelSpec,
  type Part,
  type PartValues,
  parseModelSpec,
  referenceHead,
  referenceHopLogits,
  referenceLayer,
  referenceStem,
  shapesOf,
  type Tensor,
  type Variant,
} from '@layerswarm/model'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCpuEngine } from './engine/cpu-engine.ts'
import { HOP_EMBEDDING, layoutOf, type ParameterLayout } from './parameters.ts'
import { createRandom } from './random.ts'
import { createTrainSession, type TrainSession } from './sessions.ts'

const BATCH = 2
const SIDE = 4
const PATCH = 2
const TARGETS = Float32Array.from([0.9, 0.05, 0.05, 0, 0.3, 0.7])
/** Steps of the differences; the errors of order two of both are extrapolated away. */
const STEP = 0.02
/**
 * Largest difference to the reference beside the largest gradient of the same tensor. The
 * reference rounds to float32 between its parts, which the differences enlarge.
 */
const TOLERANCE = 1e-3

function specFor(variant: Variant, layers: number): ModelSpec {
  return parseModelSpec({
    variant,
    imageSize: SIDE,
    patchSize: PATCH,
    channels: 1,
    width: 4,
    layers,
    heads: 2,
    mlpWidth: 5,
    classes: 3,
    layerNormEps: 1e-6,
  })
}

/** (B, 1, 4, 4) → (B·4, 4), written out separately from the trainer's own patch writer. */
function patchesOf(images: Tensor): Float32Array {
  const perSide = SIDE / PATCH
  return Float32Array.from(images.data, (_, to) => {
    const [patch, pixel] = [Math.floor(to / PATCH ** 2), to % PATCH ** 2]
    const image = Math.floor(patch / perSide ** 2)
    const y = (Math.floor(patch / perSide) % perSide) * PATCH + Math.floor(pixel / PATCH)
    const x = (patch % perSide) * PATCH + (pixel % PATCH)
    return images.data[(image * SIDE + y) * SIDE + x] as number
  })
}

/** Mean over the rows of logits of the cross-entropy with `wanted(row, column)`. */
function crossEntropy(
  logits: ArrayLike<number>,
  columns: number,
  wanted: (row: number, column: number) => number,
): number {
  const rows = logits.length / columns
  let loss = 0
  for (let row = 0; row < rows; row++) {
    const own = Array.from({ length: columns }, (_, i) => logits[row * columns + i] as number)
    const total = Math.log(own.reduce((sum, logit) => sum + Math.exp(logit), 0))
    own.forEach((logit, i) => {
      loss -= ((logit - total) * wanted(row, i)) / rows
    })
  }
  return loss
}

/** The parameters of every part as the reference takes them: views, so that changes show. */
function valuesOf(layout: ParameterLayout, parameters: Float32Array): (part: Part) => PartValues {
  const named = layout.parts.map(({ part, tensors }): [Part, PartValues] => {
    const values = tensors.map(({ name, offset, elements }) => {
      return [name, parameters.subarray(offset, offset + elements)] as const
    })
    return [part, Object.fromEntries(values)]
  })
  const byPart = new Map(named)
  const stem = byPart.get('stem') ?? {}
  // The hop embedding stands with the stem.
  for (const [part, values] of named) byPart.set(part, { ...stem, ...values })
  return (part) => byPart.get(part) ?? {}
}

/** The loss of a training step, computed with the reference alone. */
function referenceLoss(
  spec: ModelSpec,
  values: (part: Part) => PartValues,
  images: Tensor,
  order: readonly number[],
  rounds: readonly number[],
): number {
  let x = referenceStem(spec, values('stem'), images)
  if (rounds.some((size) => size > 1)) {
    let first = 0
    for (const size of rounds) {
      x = referenceRound(spec, values, x, order.slice(first, first + size))
      first += size
    }
    return headLoss(spec, values, x)
  }
  let hops = 0
  order.forEach((layer, hop) => {
    x = referenceLayer(spec, values(layer), x, hop)
    if (spec.variant !== 'predict') return
    const guess = referenceHopLogits(spec, values(layer), x)
    hops += crossEntropy(guess, spec.layers, (_, i) => (i === hop ? 1 : 0)) / order.length
  })
  return headLoss(spec, values, x) + hops
}

/** x + Σ (f(x) − x) over the layers of a round, which see the same x. */
function referenceRound(
  spec: ModelSpec,
  values: (part: Part) => PartValues,
  x: Tensor,
  layers: readonly number[],
): Tensor {
  const data = Float64Array.from(x.data)
  for (const layer of layers) {
    const y = referenceLayer(spec, values(layer), x, 0).data
    for (let i = 0; i < data.length; i++) {
      data[i] = (data[i] as number) + (y[i] as number) - (x.data[i] as number)
    }
  }
  return { shape: x.shape, data: Float32Array.from(data) }
}

function headLoss(spec: ModelSpec, values: (part: Part) => PartValues, x: Tensor): number {
  const logits = referenceHead(spec, values('head'), x).data
  const target = (row: number, i: number): number => TARGETS[row * spec.classes + i] as number
  return crossEntropy(logits, spec.classes, target)
}

describe.each([
  ['shuffle', [1, 0], [1, 1]],
  ['position', [1, 0], [1, 1]],
  ['predict', [1, 0], [1, 1]],
  ['sequential', [0, 1], [1, 1]],
  ['layerdrop', [1], [1]],
  ['shuffle', [2, 0, 1], [2, 1]], // the last round has what is left
  ['shuffle', [1, 3, 0], [3]], // one layer is left out
  ['position', [2, 0], [1, 1]], // fewer than all layers, at the positions that are left
] as const)('a training step of %s with the order %j in rounds of %j', (variant, chosen, sizes) => {
  const order: readonly number[] = chosen
  const rounds: readonly number[] = sizes
  const spec = specFor(variant, Math.max(2, ...order.map((layer) => layer + 1)))
  const layout = layoutOf(spec)
  const random = createRandom(17, variant)
  /** Large enough that attention is far from uniform, so that every gradient shows. */
  const parameters = Float32Array.from({ length: layout.elements }, () => random.gaussian() * 0.7)
  const images: Tensor = {
    shape: [BATCH, 1, SIDE, SIDE],
    data: Float32Array.from({ length: BATCH * SIDE * SIDE }, () => random.gaussian()),
  }
  let session: TrainSession
  beforeAll(() => {
    session = createTrainSession(createCpuEngine(1), spec, BATCH, parameters)
    session.patches.set(patchesOf(images))
    session.targets.set(TARGETS)
  })
  afterAll(() => session.close())

  const values = valuesOf(layout, parameters)
  const lossOfReference = (): number => referenceLoss(spec, values, images, order, rounds)

  /** How the reference's loss changes with one parameter. */
  function slopeAt(index: number, h: number): number {
    const kept = parameters[index] as number
    parameters[index] = kept + h
    const [above, high] = [parameters[index] as number, lossOfReference()]
    parameters[index] = kept - h
    const [below, low] = [parameters[index] as number, lossOfReference()]
    parameters[index] = kept
    return (high - low) / (above - below)
  }

  test('has the loss of the reference', async () => {
    expect(await session.run(order, [], rounds)).toBeCloseTo(lossOfReference(), 5)
  })

  test('has the gradients of finite differences of the reference, for every parameter', async () => {
    await session.run(order, [], rounds)
    let worst = { parameter: 'none', difference: 0 }
    for (const { part, tensors } of layout.parts) {
      // The layer's gradient comes from the slot in which it ran.
      const slot = typeof part === 'number' ? order.indexOf(part) : part
      if (slot === -1) continue
      tensors.forEach(({ name, offset, elements }, at) => {
        const from = layout.parts.find((one) => one.part === slot)?.tensors[at]?.offset ?? -1
        const gradient = session.gradients.subarray(from, from + elements)
        const scale = Math.max(...gradient.map(Math.abs), 0.01)
        for (let i = 0; i < elements; i++) {
          const index = offset + i
          const slope = (4 * slopeAt(index, STEP / 2) - slopeAt(index, STEP)) / 3
          const difference = Math.abs(slope - (gradient[i] as number)) / scale
          if (difference > worst.difference) {
            worst = { parameter: `${part}.${name}[${i}]`, difference }
          }
        }
      })
    }
    expect(worst.difference, worst.parameter).toBeGreaterThan(0)
    expect(worst.difference, worst.parameter).toBeLessThan(TOLERANCE)
  }, 60_000)

  test('covers every tensor of the model', () => {
    const trained = new Set(layout.parts.flatMap(({ tensors }) => tensors.map(({ name }) => name)))
    for (const part of ['stem', 'head', 0] as const) {
      for (const name of Object.keys(shapesOf(spec, part))) expect(trained).toContain(name)
    }
    const embeddings = layout.parts.flatMap(({ tensors }) =>
      tensors.filter(({ name }) => name === HOP_EMBEDDING),
    )
    expect(embeddings.length).toBe(variant === 'position' ? 1 : 0)
  })
})
