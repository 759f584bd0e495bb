import {
  activationBytes,
  decodeActivation,
  type EncodedActivation,
  encodeActivation,
  relativeL2,
} from '@layerswarm/model'
import type { Compute, HeadOutcome, LayerOutcome } from '../ports.ts'
import { type AcceptanceBench, demand, demandEqual, until } from './acceptance.ts'
import { PATIENCE_MS } from './limits.ts'

/** A compute to check, that hosts nothing yet. */
export interface ComputeBench extends AcceptanceBench {
  readonly compute: Compute
  /** Layers that it can host, at least two. */
  readonly layers: number
  /** The time in which it computes, milliseconds from any start. */
  nowMs(): number
  /** An activation (1, T, C) as others send it, in the dtype that this compute answers in. */
  input(nonce: number): EncodedActivation
}

/** The answers to one call. */
export interface Call<T> {
  readonly what: string
  readonly answers: T[]
  /** Whether `call` had come back when the first answer came. */
  readonly state: { returned: boolean; early: boolean }
}

/** Makes a call and keeps its answers. */
export function calling<T>(what: string, call: (answer: (value: T) => void) => void): Call<T> {
  const made: Call<T> = { what, answers: [], state: { returned: false, early: false } }
  call((value) => {
    if (!made.state.returned) made.state.early = true
    made.answers.push(value)
  })
  made.state.returned = true
  return made
}

/** Waits until each call has its answer, and for a second one that must not come. @throws Error when one comes, or none. */
export async function answered<T>(bench: ComputeBench, calls: readonly Call<T>[]): Promise<T[]> {
  await firstAnswers(bench, calls)
  await bench.settle(50)
  return calls.map(({ what, answers }) => {
    demandEqual(`answers to ${what}`, answers.length, 1)
    return answers[0] as T
  })
}

/** Has the compute host layers. @throws Error when it cannot. */
export async function host(bench: ComputeBench, ...layers: number[]): Promise<void> {
  const calls = layers.map((layer) => hostCall(bench, layer))
  for (const failure of await answered(bench, calls)) {
    demand(failure === undefined, `a layer cannot be hosted: ${failure}`)
  }
}

/** Asks for a layer to be hosted. */
export function hostCall({ compute }: ComputeBench, layer: number): Call<string | undefined> {
  return calling(`host(${layer})`, (answer) => compute.host(layer, answer))
}

/** Asks for a run of a layer, of an input of its own unless one is given. */
export function runCall(bench: ComputeBench, layer: number, input = bench.input(layer)) {
  return calling<LayerOutcome>(`run(${layer})`, (answer) =>
    bench.compute.run(layer, 0, input, answer),
  )
}

/** Asks for the head, of the first input unless one is given. */
export function headCall(bench: ComputeBench, input = bench.input(1)) {
  return calling<HeadOutcome>('runHead', (answer) => bench.compute.runHead(input, answer))
}

/** @throws Error unless the run gave a result in the shape and the dtype of its input, and a time. */
export function demandResult(outcome: LayerOutcome, input: EncodedActivation): void {
  if ('failure' in outcome) throw new Error(`a run failed: ${outcome.failure}`)
  const { activation, ms } = outcome
  demandEqual('the shape of a result', activation.shape.join(), input.shape.join())
  demandEqual('the dtype of a result', activation.dtype, input.dtype)
  const expected = activationBytes(input.dtype, input.shape)
  demandEqual('the bytes of a result', activation.bytes.length, expected)
  demand(Number.isFinite(ms) && ms >= 0, `a run took ${ms} ms`)
}

/** @throws Error unless the run failed with one line that says why. */
export function demandFailure(what: string, outcome: LayerOutcome): void {
  if (!('failure' in outcome)) throw new Error(`${what} has a result, expected a failure`)
  const { failure } = outcome
  demand(/^[^\n]+$/.test(failure), `${what} fails without a line that says why: "${failure}"`)
}

/** The first answer to each call, without waiting for a second one. @throws Error when none comes. */
export async function firstAnswers<T>(
  bench: ComputeBench,
  calls: readonly Call<T>[],
): Promise<T[]> {
  for (const { what, answers } of calls) {
    await until(bench, `the answer to ${what}`, () => answers.length > 0, PATIENCE_MS)
  }
  return calls.map(({ answers }) => answers[0] as T)
}

/** The result of a run. @throws Error when it failed. */
export function resultOf(outcome: LayerOutcome): EncodedActivation {
  if ('failure' in outcome) throw new Error(`a run failed: ${outcome.failure}`)
  return outcome.activation
}

/** What a layer gives when nothing else runs. @throws Error when the run fails. */
export async function resultAlone(
  bench: ComputeBench,
  layer: number,
  input: EncodedActivation,
): Promise<EncodedActivation> {
  const [outcome] = await firstAnswers(bench, [runCall(bench, layer, input)])
  return resultOf(outcome as LayerOutcome)
}

/** The rows of the head's answer. @throws Error unless every row has scores, and all of them are numbers. */
export function rowsOf(outcome: HeadOutcome): number[][] {
  if ('failure' in outcome) throw new Error(`the head failed: ${outcome.failure}`)
  for (const row of outcome.logits) {
    demand(row.length > 0, 'a row has no scores')
    demand(row.every(Number.isFinite), 'a score is not a number')
  }
  return outcome.logits
}

/** The scores that the head gives. @throws Error when it fails, or a row has none. */
export async function scoresOf(bench: ComputeBench, input: EncodedActivation): Promise<number[][]> {
  const [outcome] = await firstAnswers(bench, [headCall(bench, input)])
  return rowsOf(outcome as HeadOutcome)
}

/** Activations of one image each as one batch. */
export function stacked(inputs: readonly EncodedActivation[]): EncodedActivation {
  const { dtype, shape } = at(inputs, 0)
  const [, tokens, width] = shape
  const data = Float32Array.from(inputs.flatMap((input) => [...valuesOf(input)]))
  return encodeActivation({ shape: [inputs.length, tokens, width], data }, dtype)
}

/** The values of an activation, row by row. */
export function valuesOf(activation: EncodedActivation): Float32Array {
  return decodeActivation(activation).data
}

/**
 * Numbers may differ in their last places by what else was computed with them: the nearest is meant.
 * @throws Error unless the expected candidate is the nearest.
 */
export function demandNearest(
  what: string,
  values: Float32Array,
  candidates: readonly Float32Array[],
  expected: number,
): void {
  const distances = candidates.map((candidate) => relativeL2(values, candidate))
  const nearest = distances.indexOf(Math.min(...distances))
  demandEqual(`whose result ${what} has`, nearest, expected)
}

/** The item with a number that there is. */
export function at<T>(list: readonly T[], index: number): T {
  return list[index] as T
}
