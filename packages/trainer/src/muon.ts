import type { Tensor } from '@layerswarm/model'
import type { OptimizerState } from './adamw.ts'
import type { GraphWriter } from './differentiable.ts'
import { createCpuEngine } from './engine/cpu-engine.ts'
import { type CompiledGraph, zeroTensor } from './engine/train-engine.ts'
import type { ParameterLayout, ParameterTensor } from './parameters.ts'

/** Decay of the momentum of matrices (the value of Keller Jordan's Muon). */
const MOMENTUM = 0.95
/** Coefficients of the quintic Newton-Schulz iteration, from the same source. */
const [A, B, C] = [3.4445, -4.775, 2.0315]
const ITERATIONS = 5
/** Size of an update, root mean square of its elements, that makes Adam's learning rates fit (arXiv 2502.16982). */
const UPDATE_RMS = 0.2
const EPSILON = 1e-7

/** What a step of Muon depends on besides gradients and learning rate. */
export interface MuonSettings {
  /** Share of a matrix that is lost per step, times the learning rate. */
  readonly weightDecay: number
  /** Decay of the moving average of the parameters. */
  readonly ema: number
}

/** Updates the matrices of the encoder layers by their orthogonalized momentum. */
export interface Muon {
  /**
   * One step in place.
   * @param slotOf the slot of a layer in this step, where its gradients lie; undefined if it did not run.
   */
  step(
    state: OptimizerState,
    gradients: Float32Array,
    slotOf: (layer: number) => number | undefined,
    learningRate: number,
    settings: MuonSettings,
  ): Promise<void>
  close(): Promise<void>
}

/** Whether Muon updates a parameter of the encoder layers; AdamW has the others. */
export function isMuonMatrix({ shape, decays }: ParameterTensor): boolean {
  return decays && shape.length === 2
}

/** Matrices of one size, tall ones transposed, that are orthogonalized in one go. */
interface Group {
  readonly rows: number
  readonly columns: number
  readonly members: readonly {
    readonly layer: number
    readonly index: number
    readonly tensor: ParameterTensor
  }[]
  readonly graph: CompiledGraph
  /** (N, rows, columns). */
  readonly momenta: Tensor
  readonly directions: Tensor
}

/**
 * Muon (Keller Jordan, 2024): the momentum of a matrix is replaced by the nearest semi-orthogonal
 * one, so that every direction of a layer learns equally fast. It runs on the processor, whatever
 * engine the training has.
 */
export async function createMuon(layout: ParameterLayout, threads: number): Promise<Muon> {
  const groups = await createGroups(layout, threads)
  const tensorsOf = new Map(layout.parts.map(({ part, tensors }) => [part, tensors]))

  return {
    async step(state, gradients, slotOf, learningRate, settings) {
      for (const group of groups) {
        const { rows, columns, members, graph, momenta, directions } = group
        const size = rows * columns
        members.forEach(({ layer, index, tensor }, at) => {
          const slot = slotOf(layer)
          const target = momenta.data.subarray(at * size, (at + 1) * size)
          const source = slot === undefined ? undefined : tensorsOf.get(slot)?.[index]
          if (source === undefined) target.fill(0)
          else gather(state.m, gradients, source.offset, tensor, target)
        })
        await graph.run({ momenta }, { directions })
        members.forEach(({ layer, tensor }, at) => {
          if (slotOf(layer) === undefined) return
          const direction = directions.data.subarray(at * size, (at + 1) * size)
          apply(state, tensor, direction, learningRate, settings)
        })
      }
    },
    async close() {
      for (const { graph } of groups) await graph.close()
    },
  }
}

/** Whether a matrix stands transposed in its group. */
function isTall([rows = 0, columns = 0]: readonly number[]): boolean {
  return rows > columns
}

async function createGroups(layout: ParameterLayout, threads: number): Promise<Group[]> {
  const bySize = new Map<string, { layer: number; index: number; tensor: ParameterTensor }[]>()
  for (const { part, tensors } of layout.parts) {
    if (typeof part !== 'number') continue
    tensors.forEach((tensor, index) => {
      if (!isMuonMatrix(tensor)) return
      const key = tensor.shape.toSorted((a, b) => a - b).join()
      bySize.set(key, [...(bySize.get(key) ?? []), { layer: part, index, tensor }])
    })
  }
  const engine = createCpuEngine(threads)
  const groups: Group[] = []
  for (const [key, members] of bySize) {
    const [rows = 0, columns = 0] = key.split(',').map(Number)
    const shape = [members.length, rows, columns]
    const graph = await engine.compile((writer) => writeOrthogonalization(writer, shape))
    const [momenta, directions] = [zeroTensor(shape), zeroTensor(shape)]
    groups.push({ rows, columns, members, graph, momenta, directions })
  }
  return groups
}

/** `momenta` (N, R, C), R ≤ C → `directions` (N, R, C), whose singular values are all near 1. */
function writeOrthogonalization(graph: GraphWriter, shape: readonly number[]): void {
  const momenta = graph.input('momenta', shape)
  const squares = graph.op('ReduceSumSquare', [momenta, graph.integers([1, 2])], { keepdims: 1 })
  const norms = graph.op('Sqrt', [graph.op('Add', [squares, graph.scalar(EPSILON ** 2)])])
  let x = graph.op('Div', [momenta, norms])
  for (let i = 0; i < ITERATIONS; i++) {
    const gram = graph.op('MatMul', [x, graph.op('Transpose', [x], { perm: [0, 2, 1] })]) // (N, R, R)
    const second = graph.op('Mul', [graph.op('MatMul', [gram, gram]), graph.scalar(C)])
    const mixed = graph.op('Add', [graph.op('Mul', [gram, graph.scalar(B)]), second])
    const scaled = graph.op('Mul', [x, graph.scalar(A)])
    x = graph.op('Add', [scaled, graph.op('MatMul', [mixed, x])])
  }
  graph.output('directions', x, shape)
}

/** Adds a gradient to its momentum and writes the step ahead of it (Nesterov) into `target`. */
function gather(
  m: Float32Array,
  gradients: Float32Array,
  from: number,
  { offset, elements, shape }: ParameterTensor,
  target: Float32Array,
): void {
  const place = placesOf(shape)
  for (let i = 0; i < elements; i++) {
    const g = gradients[from + i] as number
    const momentum = MOMENTUM * (m[offset + i] as number) + (1 - MOMENTUM) * g
    m[offset + i] = momentum
    target[place(i)] = MOMENTUM * momentum + (1 - MOMENTUM) * g
  }
}

function apply(
  { parameters, ema }: OptimizerState,
  { offset, elements, shape }: ParameterTensor,
  direction: Float32Array,
  learningRate: number,
  settings: MuonSettings,
): void {
  const place = placesOf(shape)
  const [rows = 1, columns = 1] = shape
  const rate = learningRate * UPDATE_RMS * Math.sqrt(Math.max(rows, columns))
  const keep = 1 - settings.weightDecay * learningRate
  for (let i = 0; i < elements; i++) {
    const at = offset + i
    const value = (parameters[at] as number) * keep - rate * (direction[place(i)] as number)
    parameters[at] = value
    ema[at] = settings.ema * (ema[at] as number) + (1 - settings.ema) * value
  }
}

/** Where element i of a matrix lies in its group. */
function placesOf(shape: readonly number[]): (i: number) => number {
  const [rows = 1, columns = 1] = shape
  if (!isTall(shape)) return (i) => i
  return (i) => (i % columns) * rows + Math.floor(i / columns)
}
