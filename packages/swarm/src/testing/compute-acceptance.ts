import { activationBytes, type EncodedActivation } from '@layerswarm/model'
import type { Compute, HeadOutcome, LayerOutcome } from '../ports.ts'
import {
  type AcceptanceBench,
  type AcceptanceCase,
  caseOn,
  demand,
  demandEqual,
  until,
} from './acceptance.ts'
import { PATIENCE_MS } from './limits.ts'

/** A compute to check, that hosts nothing yet. */
export interface ComputeBench extends AcceptanceBench {
  readonly compute: Compute
  /** Layers that it can host, at least two. */
  readonly layers: number
  /** An activation (1, T, C) as others send it, in the dtype that this compute answers in. */
  input(nonce: number): EncodedActivation
}

/** What every compute must pass, without a test framework. @param openBench makes one for each case. */
export function computeAcceptance(openBench: () => Promise<ComputeBench>): AcceptanceCase[] {
  const check = (name: string, run: (bench: ComputeBench) => Promise<void>) =>
    caseOn(openBench, name, run)
  return [
    check('says once that a layer is hosted, each time that it is asked to', hosts),
    check('answers a run once, in the shape and the dtype of its input', runs),
    check('leaves the input of a run and of the head as it was', leavesInput),
    check('answers every one of many runs at once', runsMany),
    check('refuses to run a layer that it does not host, and says why', refuses),
    check('refuses to run a layer that was dropped, and runs the others', drops),
    check('runs a layer that was dropped and is hosted again', hostsAgain),
    check('answers the head once, with one row of scores for one image', runsHead),
    check('answers after a call and never inside it', answersLater),
  ]
}

/** The answers to one call. */
interface Call<T> {
  readonly what: string
  readonly answers: T[]
  /** Whether `call` had come back when the first answer came. */
  readonly state: { returned: boolean; early: boolean }
}

function calling<T>(what: string, call: (answer: (value: T) => void) => void): Call<T> {
  const made: Call<T> = { what, answers: [], state: { returned: false, early: false } }
  call((value) => {
    if (!made.state.returned) made.state.early = true
    made.answers.push(value)
  })
  made.state.returned = true
  return made
}

/** Waits until each call has its answer, and for a second one that must not come. */
async function answered<T>(bench: ComputeBench, calls: readonly Call<T>[]): Promise<T[]> {
  for (const { what, answers } of calls) {
    await until(bench, `the answer to ${what}`, () => answers.length > 0, PATIENCE_MS)
  }
  await bench.settle(50)
  return calls.map(({ what, answers }) => {
    demandEqual(`answers to ${what}`, answers.length, 1)
    return answers[0] as T
  })
}

async function host(bench: ComputeBench, ...layers: number[]): Promise<void> {
  const calls = layers.map((layer) => hostCall(bench, layer))
  for (const failure of await answered(bench, calls)) {
    demand(failure === undefined, `a layer cannot be hosted: ${failure}`)
  }
}

function hostCall({ compute }: ComputeBench, layer: number): Call<string | undefined> {
  return calling(`host(${layer})`, (answer) => compute.host(layer, answer))
}

function runCall(bench: ComputeBench, layer: number, input = bench.input(layer)) {
  return calling<LayerOutcome>(`run(${layer})`, (answer) =>
    bench.compute.run(layer, 0, input, answer),
  )
}

function headCall(bench: ComputeBench, input = bench.input(1)) {
  return calling<HeadOutcome>('runHead', (answer) => bench.compute.runHead(input, answer))
}

function demandResult(outcome: LayerOutcome, input: EncodedActivation): void {
  if ('failure' in outcome) throw new Error(`a run failed: ${outcome.failure}`)
  const { activation, ms } = outcome
  demandEqual('the shape of a result', activation.shape.join(), input.shape.join())
  demandEqual('the dtype of a result', activation.dtype, input.dtype)
  const expected = activationBytes(input.dtype, input.shape)
  demandEqual('the bytes of a result', activation.bytes.length, expected)
  demand(Number.isFinite(ms) && ms >= 0, `a run took ${ms} ms`)
}

function demandFailure(what: string, outcome: LayerOutcome): void {
  if (!('failure' in outcome)) throw new Error(`${what} has a result, expected a failure`)
  const { failure } = outcome
  demand(/^[^\n]+$/.test(failure), `${what} fails without a line that says why: "${failure}"`)
}

async function hosts(bench: ComputeBench): Promise<void> {
  await host(bench, 0, 1)
  await host(bench, 0)
}

async function runs(bench: ComputeBench): Promise<void> {
  await host(bench, 0)
  const input = bench.input(7)
  const [outcome] = await answered(bench, [runCall(bench, 0, input)])
  demandResult(outcome as LayerOutcome, input)
}

async function leavesInput(bench: ComputeBench): Promise<void> {
  await host(bench, 0)
  const input = bench.input(7)
  const before = Uint8Array.from(input.bytes)
  await answered(bench, [runCall(bench, 0, input)])
  await answered(bench, [headCall(bench, input)])
  demandEqual('the input afterwards', input.bytes.join(), before.join())
}

async function runsMany(bench: ComputeBench): Promise<void> {
  await host(bench, 0, 1)
  const inputs = Array.from({ length: 12 }, (_, nonce) => bench.input(nonce))
  const calls = inputs.map((input, i) => runCall(bench, i % 2, input))
  const outcomes = await answered(bench, calls)
  for (const [i, outcome] of outcomes.entries()) {
    demandResult(outcome, inputs[i] as EncodedActivation)
  }
}

async function refuses(bench: ComputeBench): Promise<void> {
  await host(bench, 0)
  const [outcome] = await answered(bench, [runCall(bench, 1)])
  demandFailure('a layer that is not hosted', outcome as LayerOutcome)
}

async function drops(bench: ComputeBench): Promise<void> {
  await host(bench, 0, 1)
  bench.compute.drop(0)
  const outcomes = await answered(bench, [runCall(bench, 0), runCall(bench, 1)])
  demandFailure('a layer that was dropped', outcomes[0] as LayerOutcome)
  demandResult(outcomes[1] as LayerOutcome, bench.input(1))
}

async function hostsAgain(bench: ComputeBench): Promise<void> {
  await host(bench, 0)
  bench.compute.drop(0)
  bench.compute.drop(0) // not hosted by now, and ignored
  await host(bench, 0)
  const [outcome] = await answered(bench, [runCall(bench, 0)])
  demandResult(outcome as LayerOutcome, bench.input(0))
}

async function runsHead(bench: ComputeBench): Promise<void> {
  const [outcome] = await answered(bench, [headCall(bench)])
  if (outcome === undefined || 'failure' in outcome) {
    throw new Error(`the head failed: ${outcome?.failure}`)
  }
  demandEqual('rows of scores', outcome.logits.length, 1)
  demand(outcome.logits.flat().every(Number.isFinite), 'a score is not a number')
}

async function answersLater(bench: ComputeBench): Promise<void> {
  const hosted = hostCall(bench, 0)
  await answered(bench, [hosted])
  const run = runCall(bench, 0)
  const refused = runCall(bench, 1)
  await answered(bench, [run, refused])
  const head = headCall(bench)
  await answered(bench, [head])
  for (const { what, state } of [hosted, run, refused, head]) {
    demand(!state.early, `${what} is answered before it returns`)
  }
}
