import { isMuonMatrix } from './muon.ts'
import type { ParameterLayout, ParameterTensor } from './parameters.ts'
import { createRandom } from './random.ts'

/**
 * The low-rank core of a layer: each of its matrices W (out, in) becomes Q·Qᵀ·W, where the r
 * columns of Q (out, r) are, nearly, its largest left singular vectors. A host may hold Q and
 * Qᵀ·W, r·(out + in) values, instead of out·in. Q is found by subspace iteration from one and the
 * same start (Halko, Martinsson and Tropp, arXiv 0909.4061, algorithm 4.4), so that a matrix has
 * one core, in training as afterwards.
 */

/** Passes over a matrix after the first: each sharpens the basis where singular values lie close together. */
const ITERATIONS = 2

/** A matrix, row-major. */
export interface Matrix {
  readonly rows: number
  readonly columns: number
  readonly values: Float32Array
}

/** @returns Qᵀ, (rank, rows): an orthonormal basis of the core's columns in its rows. */
export function coreBasis(matrix: Matrix, rank: number): Matrix {
  const { columns } = matrix
  const random = createRandom(0, 'start of the cores')
  const start = Float32Array.from({ length: rank * columns }, () => random.gaussian())
  let basis = orthonormal(timesTransposed({ rows: rank, columns, values: start }, matrix))
  for (let i = 0; i < ITERATIONS; i++) {
    basis = orthonormal(timesTransposed(orthonormal(times(basis, matrix)), matrix))
  }
  return basis
}

/** Q·Qᵀ·W in the place of W, for a basis Qᵀ (rank, rows). */
export function projectOnto(basis: Matrix, { rows, columns, values }: Matrix): void {
  const inner = times(basis, { rows, columns, values }) // (rank, columns)
  values.fill(0)
  for (let k = 0; k < basis.rows; k++) {
    for (let row = 0; row < rows; row++) {
      const q = basis.values[k * rows + row] as number
      for (let i = 0; i < columns; i++) {
        const at = row * columns + i
        values[at] = (values[at] as number) + q * (inner.values[k * columns + i] as number)
      }
    }
  }
}

/** A·B, (a.rows, b.columns). */
function times(a: Matrix, b: Matrix): Matrix {
  const values = new Float32Array(a.rows * b.columns)
  for (let row = 0; row < a.rows; row++) {
    for (let k = 0; k < a.columns; k++) {
      const factor = a.values[row * a.columns + k] as number
      for (let i = 0; i < b.columns; i++) {
        const at = row * b.columns + i
        values[at] = (values[at] as number) + factor * (b.values[k * b.columns + i] as number)
      }
    }
  }
  return { rows: a.rows, columns: b.columns, values }
}

/** A·Bᵀ, (a.rows, b.rows). */
function timesTransposed(a: Matrix, b: Matrix): Matrix {
  const values = new Float32Array(a.rows * b.rows)
  for (let row = 0; row < a.rows; row++) {
    for (let k = 0; k < b.rows; k++) {
      values[row * b.rows + k] = dot(a, row, b, k)
    }
  }
  return { rows: a.rows, columns: b.rows, values }
}

function dot(a: Matrix, rowOfA: number, b: Matrix, rowOfB: number): number {
  const [from, other] = [rowOfA * a.columns, rowOfB * b.columns]
  let sum = 0
  for (let i = 0; i < a.columns; i++) {
    sum += (a.values[from + i] as number) * (b.values[other + i] as number)
  }
  return sum
}

/** The rows made orthonormal in place, one after the other; a row that the others hold becomes 0. */
function orthonormal(matrix: Matrix): Matrix {
  const { rows, columns, values } = matrix
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * columns, (row + 1) * columns)
    const before = Math.sqrt(dot(matrix, row, matrix, row))
    for (let other = 0; other < row; other++) {
      const share = dot(matrix, row, matrix, other)
      for (let i = 0; i < columns; i++) {
        own[i] = (own[i] as number) - share * (values[other * columns + i] as number)
      }
    }
    const length = Math.sqrt(dot(matrix, row, matrix, row))
    const scale = length > before * 1e-5 ? 1 / length : 0
    for (let i = 0; i < columns; i++) own[i] = (own[i] as number) * scale
  }
  return matrix
}

/** Parameters of which some layers are their cores. */
export interface Cores {
  /** What runs: flat, as the layout says; made anew by every `take`. */
  readonly parameters: Float32Array
  /** Takes the parameters as they are now, those of `layers` as their cores. */
  take(layers: readonly number[]): void
  /**
   * Turns gradients with respect to what ran into those with respect to the parameters, in place:
   * Q·Qᵀ·G, with Q held fixed.
   * @param gradients flat, by slot.
   * @param order the layer of each slot.
   */
  project(gradients: Float32Array, order: ArrayLike<number>): void
}

/** @param source flat; not copied. */
export function createCores(layout: ParameterLayout, rank: number, source: Float32Array): Cores {
  const parameters = source.slice()
  const tensorsOf = new Map(layout.parts.map(({ part, tensors }) => [part, tensors]))
  /** By layer, by the index of the tensor. */
  const bases = new Map<number, ReadonlyMap<number, Matrix>>()

  function basesOf(layer: number): ReadonlyMap<number, Matrix> {
    const found = (tensorsOf.get(layer) ?? []).flatMap((tensor, index): [number, Matrix][] =>
      hasCore(tensor, rank) ? [[index, coreBasis(matrixOf(tensor, source), rank)]] : [],
    )
    return new Map(found)
  }

  function projectPart(part: number, onto: ReadonlyMap<number, Matrix>, flat: Float32Array): void {
    tensorsOf.get(part)?.forEach((tensor, index) => {
      const basis = onto.get(index)
      if (basis !== undefined) projectOnto(basis, matrixOf(tensor, flat))
    })
  }

  return {
    parameters,
    take(layers) {
      parameters.set(source)
      bases.clear()
      for (const layer of layers) {
        const own = basesOf(layer)
        bases.set(layer, own)
        projectPart(layer, own, parameters)
      }
    },
    project(gradients, order) {
      for (let slot = 0; slot < order.length; slot++) {
        const own = bases.get(order[slot] as number)
        if (own !== undefined) projectPart(slot, own, gradients)
      }
    },
  }
}

/** Values of a layer, and of its core with each matrix as its two factors. */
export function coreSize(layout: ParameterLayout, rank: number): { whole: number; core: number } {
  const tensors = layout.parts.find(({ part }) => part === 0)?.tensors ?? []
  const factored = (tensor: ParameterTensor): number =>
    hasCore(tensor, rank) ? rank * tensor.shape.reduce((sum, side) => sum + side) : tensor.elements
  return {
    whole: tensors.reduce((sum, { elements }) => sum + elements, 0),
    core: tensors.reduce((sum, tensor) => sum + factored(tensor), 0),
  }
}

/** A matrix both sides of which are larger than the rank. */
function hasCore(tensor: ParameterTensor, rank: number): boolean {
  return isMuonMatrix(tensor) && tensor.shape.every((side) => side > rank)
}

function matrixOf({ shape, offset, elements }: ParameterTensor, flat: Float32Array): Matrix {
  const [rows = 1, columns = 1] = shape
  return { rows, columns, values: flat.subarray(offset, offset + elements) }
}
