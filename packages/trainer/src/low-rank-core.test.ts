import { parseModelSpec } from '@layerswarm/model'
import { afterAll, describe, expect, test } from 'vitest'
import { createBatchPasses } from './batch-passes.ts'
import { createCpuEngine } from './engine/cpu-engine.ts'
import { coreBasis, coreSize, createCores, type Matrix, projectOnto } from './low-rank-core.ts'
import { layoutOf, type ParameterTensor } from './parameters.ts'
import { createRandom, type RandomStream } from './random.ts'
import { createTrainSession } from './sessions.ts'

const RANK = 2
const spec = parseModelSpec({
  ...{ variant: 'shuffle', layers: 3, imageSize: 4, patchSize: 2, channels: 1, width: 4 },
  ...{ heads: 2, mlpWidth: 6, classes: 3, layerNormEps: 1e-6 },
})
const layout = layoutOf(spec)
const engine = createCpuEngine(1)
afterAll(() => engine.close())

function drawn(random: RandomStream, rows: number, columns: number): Matrix {
  const values = Float32Array.from({ length: rows * columns }, () => random.gaussian())
  return { rows, columns, values }
}

/** A·diag(weights)·B of drawn factors: a matrix of as much rank as there are weights. */
function ofRank(rows: number, columns: number, weights: readonly number[]): Matrix {
  const random = createRandom(5, 'factors')
  const [a, b] = [drawn(random, rows, weights.length), drawn(random, weights.length, columns)]
  const values = Float32Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns]
    return weights.reduce((sum, weight, k) => {
      const [left = 0, right = 0] = [
        a.values[row * weights.length + k],
        b.values[k * columns + column],
      ]
      return sum + weight * left * right
    }, 0)
  })
  return { rows, columns, values }
}

function coreOf(matrix: Matrix, rank: number): Float32Array {
  const values = matrix.values.slice()
  projectOnto(coreBasis(matrix, rank), { ...matrix, values })
  return values
}

/** ‖a − b‖ / ‖b‖ */
function apart(a: Float32Array, b: Float32Array): number {
  return Math.hypot(...a.map((value, i) => value - (b[i] as number))) / Math.hypot(...b)
}

describe('the core of a matrix', () => {
  test.each([
    [12, 8],
    [8, 12],
  ])('of its own rank is the matrix itself, %i by %i', (rows, columns) => {
    const matrix = ofRank(rows, columns, [1, 0.7, 0.4])
    expect(apart(coreOf(matrix, 3), matrix.values)).toBeLessThan(1e-5)
    expect(apart(coreOf(matrix, 2), matrix.values)).toBeGreaterThan(0.05)
    expect(apart(coreOf(matrix, 5), matrix.values), 'more than there is').toBeLessThan(1e-5)
  })

  test('keeps what is large: little else is lost of one whose rest is small', () => {
    const strong = ofRank(16, 12, [1, 1, 1, 1])
    const random = createRandom(6, 'rest')
    const values = strong.values.map((value) => value + 0.01 * random.gaussian())
    expect(apart(coreOf({ ...strong, values }, 4), strong.values)).toBeLessThan(0.01)
  })

  test('has a basis of orthonormal columns, and is its own core', () => {
    const matrix = drawn(createRandom(7, 'matrix'), 10, 9)
    const basis = coreBasis(matrix, 4)
    for (let a = 0; a < 4; a++) {
      for (let b = 0; b < 4; b++) {
        const product = Array.from({ length: 10 }, (_, i) => {
          return (basis.values[a * 10 + i] as number) * (basis.values[b * 10 + i] as number)
        }).reduce((sum, value) => sum + value)
        expect(product).toBeCloseTo(a === b ? 1 : 0, 5)
      }
    }
    const core = coreOf(matrix, 4)
    expect(apart(coreOf({ ...matrix, values: core }, 4), core)).toBeLessThan(1e-5)
  })

  test('of a layer has r values for each row and column of its matrices', () => {
    // Four of 4 by 4, 4 by 6 and 6 by 4; 16 + 6 + 4 biases and 16 values of two norms.
    expect(coreSize(layout, RANK)).toEqual({ whole: 4 * 16 + 48 + 42, core: 4 * 16 + 40 + 42 })
    expect(coreSize(layout, 1).core).toBe(4 * 8 + 20 + 42)
    expect(coreSize(layout, 4).core, 'no core where it saves nothing').toBe(4 * 16 + 48 + 42)
  })
})

describe('a step in which layers run as their cores', () => {
  const random = createRandom(8, 'parameters')
  const parameters = Float32Array.from({ length: layout.elements }, () => random.gaussian() * 0.7)
  const patches = Float32Array.from({ length: 2 * 4 * 4 }, () => random.gaussian())
  const targets = Float32Array.from([0.9, 0.05, 0.05, 0, 0.3, 0.7])
  const order = [2, 0, 1]
  const cores = [2, 1]

  /** What one more in element i of a tensor does to what runs. */
  function changeOfOne({ elements }: ParameterTensor): (i: number) => Float32Array {
    return (i) => Float32Array.from({ length: elements }, (_, at) => (at === i ? 1 : 0))
  }

  function changeOfCore(tensor: ParameterTensor): (i: number) => Float32Array {
    const { shape, offset, elements } = tensor
    const [rows = 1, columns = 1] = shape
    if (shape.length < 2) return changeOfOne(tensor)
    const values = parameters.subarray(offset, offset + elements)
    const basis = coreBasis({ rows, columns, values }, RANK)
    return (i) => {
      const change = changeOfOne(tensor)(i)
      projectOnto(basis, { rows, columns, values: change })
      return change
    }
  }

  async function expectSlopes(
    { name, offset, elements }: ParameterTensor,
    changeOf: (i: number) => Float32Array,
    found: Float32Array,
    used: Float32Array,
    loss: () => Promise<number>,
  ): Promise<void> {
    const kept = used.slice(offset, offset + elements)
    const scale = Math.max(...found.map(Math.abs), 0.01)
    for (let i = 0; i < elements; i += 3) {
      const change = changeOf(i)
      const lossAt = async (step: number): Promise<number> => {
        const changed = kept.map((value, at) => value + step * (change[at] as number))
        used.set(changed, offset)
        return loss()
      }
      const far = ((await lossAt(0.02)) - (await lossAt(-0.02))) / 0.04
      const near = ((await lossAt(0.01)) - (await lossAt(-0.01))) / 0.02
      used.set(kept, offset)
      const difference = Math.abs((4 * near - far) / 3 - (found[i] as number)) / scale
      expect(difference, `${name}[${i}]`).toBeLessThan(3e-3)
    }
  }

  test('has the gradients of finite differences with the bases held fixed', async () => {
    const recipe = { batch: 2, orders: 1, distinctLayers: 3, coreRank: RANK }
    const passes = createBatchPasses(engine, spec, recipe, parameters)
    const reduced = createCores(layout, RANK, parameters)
    reduced.take(cores)
    const used = reduced.parameters.slice()
    const session = createTrainSession(engine, spec, 2, used)
    for (const one of [passes, session]) {
      one.patches.set(patches)
      one.targets.set(targets)
    }
    const result = await passes.run([{ order, rounds: [1, 1, 1], cores }], [])
    expect(result.loss).toBeCloseTo(await session.run(order), 6)
    const gradients = result.gradients.slice()

    for (const { part, tensors } of layout.parts) {
      const isLayer = typeof part === 'number'
      const slot = isLayer ? order.indexOf(part) : part
      const changeOf = isLayer && cores.includes(part) ? changeOfCore : changeOfOne
      for (const [index, tensor] of tensors.entries()) {
        const from = layout.parts.find((one) => one.part === slot)?.tensors[index]?.offset ?? -1
        const found = gradients.subarray(from, from + tensor.elements)
        await expectSlopes(tensor, changeOf(tensor), found, used, () => session.run(order))
      }
    }
    await passes.close()
    await session.close()
  }, 60_000)

  test('gives other layers and the next step their whole weights back', () => {
    const reduced = createCores(layout, RANK, parameters)
    reduced.take([0])
    const { offset = 0, elements = 0 } =
      layout.parts
        .find(({ part }) => part === 1)
        ?.tensors.find(({ name }) => name === 'output.dense.weight') ?? {}
    const at = (flat: Float32Array) => [...flat.subarray(offset, offset + elements)]
    expect(at(reduced.parameters)).toEqual(at(parameters))
    reduced.take([1])
    expect(at(reduced.parameters)).not.toEqual(at(parameters))
    reduced.take([])
    expect(reduced.parameters).toEqual(parameters)
  })
})
