import { parseModelSpec } from '@layerswarm/model'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOptimizerState, type OptimizerState } from './adamw.ts'
import { createMuon, isMuonMatrix, type Muon } from './muon.ts'
import { layoutOf, type ParameterTensor } from './parameters.ts'
import { createRandom } from './random.ts'

const spec = parseModelSpec({
  variant: 'shuffle',
  imageSize: 4,
  patchSize: 4,
  channels: 1,
  width: 6,
  layers: 3,
  heads: 2,
  mlpWidth: 9,
  classes: 2,
  layerNormEps: 1e-6,
})
const layout = layoutOf(spec)
/** Layer 2 runs first, then layer 0; layer 1 does not run. */
const slots = new Map([
  [2, 0],
  [0, 1],
])
const RATE = 0.01
const SETTINGS = { weightDecay: 0, ema: 0 }

function tensorOf(layer: number, name: string): ParameterTensor {
  const owner = layout.parts.find(({ part }) => part === layer)
  const tensor = owner?.tensors.find((one) => one.name === name)
  if (tensor === undefined) throw new Error(`${layer}.${name} does not exist`)
  return tensor
}

/** The matrix of a parameter in `flat`, by rows. */
function rowsOf(flat: Float32Array, { offset, shape }: ParameterTensor): number[][] {
  const [rows = 0, columns = 0] = shape
  return Array.from({ length: rows }, (_, row) =>
    Array.from(flat.subarray(offset + row * columns, offset + (row + 1) * columns)),
  )
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)

const random = createRandom(4, 'muon')
const gradients = Float32Array.from({ length: layout.elements }, () => random.gaussian())

let muon: Muon
let state: OptimizerState
beforeAll(async () => {
  muon = await createMuon(layout, 1)
  state = createOptimizerState(new Float32Array(layout.elements))
  await muon.step(state, gradients, (layer) => slots.get(layer), RATE, SETTINGS)
})
afterAll(() => muon.close())

describe('Muon', () => {
  test.each([
    ['attention.attention.query.weight', 6, 6],
    ['intermediate.dense.weight', 9, 6],
    ['output.dense.weight', 6, 9],
  ])('moves %s alike in all directions', (name, rows, columns) => {
    const moved = rowsOf(state.parameters, tensorOf(2, name))
    const short =
      rows <= columns ? moved : (moved[0] ?? []).map((_, i) => moved.map((row) => row[i] ?? 0))
    // The iteration brings every singular value near 1, between about 0.7 and 1.2.
    const unit = (RATE * 0.2 * Math.sqrt(Math.max(rows, columns))) ** 2
    const gram = short.map((a) => short.map((b) => dot(a, b) / unit))
    const trace = gram.reduce((sum, row, i) => sum + (row[i] ?? 0), 0)
    expect(trace / short.length).toBeGreaterThan(0.5)
    expect(trace / short.length).toBeLessThan(1.45)
    const largest = Math.max(...gram.map((row) => row.reduce((sum, x) => sum + Math.abs(x), 0)))
    expect(largest).toBeLessThan(2.1)
  })

  test('goes against the gradient of the slot in which the layer ran', () => {
    const name = 'attention.attention.query.weight'
    for (const [layer, slot] of slots) {
      const own = rowsOf(state.parameters, tensorOf(layer, name)).flat()
      const cosine = (of: number): number => {
        const gradient = rowsOf(gradients, tensorOf(of, name)).flat()
        return dot(own, gradient) / Math.sqrt(dot(own, own) * dot(gradient, gradient))
      }
      expect(cosine(slot)).toBeLessThan(-0.7)
      expect(Math.abs(cosine(1 - slot))).toBeLessThan(0.5)
    }
  })

  test('leaves layers that did not run, biases and norms alone', () => {
    const owner = layout.parts.find(({ part }) => part === 1)
    for (const tensor of owner?.tensors ?? []) {
      const values = state.parameters.subarray(tensor.offset, tensor.offset + tensor.elements)
      expect(values.every((value) => value === 0)).toBe(true)
    }
    for (const name of ['output.dense.bias', 'layernorm_before.weight']) {
      const tensor = tensorOf(2, name)
      expect(isMuonMatrix(tensor)).toBe(false)
      expect(state.parameters[tensor.offset]).toBe(0)
    }
  })
})
