import { type EncodedActivation, encodeActivation, relativeL2 } from '@layerswarm/model'
import type { HeadOutcome, LayerOutcome } from '../ports.ts'
import { type AcceptanceCase, caseOn, demand, demandEqual, until } from './acceptance.ts'
import {
  answered,
  at,
  type ComputeBench,
  demandFailure,
  demandNearest,
  demandResult,
  firstAnswers,
  headCall,
  host,
  hostCall,
  resultAlone,
  resultOf,
  rowsOf,
  runCall,
  scoresOf,
  stacked,
  valuesOf,
} from './compute-bench.ts'
import { BUSY_SHARE_MIN, PATIENCE_MS, RUNS_AT_ONCE, TRIES_MAX } from './limits.ts'

/** What every compute must pass, without a test framework. @param openBench makes one for each case. */
export function computeAcceptance(openBench: () => Promise<ComputeBench>): AcceptanceCase[] {
  const check = (name: string, run: (bench: ComputeBench) => Promise<void>) =>
    caseOn(openBench, name, run)
  return [
    check('says once that a layer is hosted, each time that it is asked to', hosts),
    check('answers a run once, in the shape and the dtype of its input', runs),
    check('leaves the input of a run and of the head as it was', leavesInput),
    check('gives other results for other layers and other input, and never its input', computes),
    check('answers every one of many runs at once, each with its own result', runsMany),
    check('runs a batch of images as it runs each of them', runsBatch),
    check('answers input of another shape, and runs the next', answersAnyShape),
    check('says in milliseconds how long a run took', saysHowLong),
    check('refuses to run a layer that it does not host, and says why', refuses),
    check('refuses to run a layer that was dropped, and runs the others', drops),
    check('runs a layer that was dropped and is hosted again', hostsAgain),
    check('answers the head once, with one row of scores for one image', runsHead),
    check('gives other scores for other input of the head', scores),
    check('answers after a call and never inside it', answersLater),
  ]
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

async function computes(bench: ComputeBench): Promise<void> {
  await host(bench, 0, 1)
  const [input, other] = [bench.input(1), bench.input(2)]
  const calls = [runCall(bench, 0, input), runCall(bench, 1, input), runCall(bench, 0, other)]
  const results = (await firstAnswers(bench, calls)).map((outcome) => resultOf(outcome))
  const different = new Set([input, other, ...results].map(({ bytes }) => bytes.join())).size
  demandEqual('different ones of two inputs and three results', different, 5)
}

async function runsMany(bench: ComputeBench): Promise<void> {
  await host(bench, 0, 1)
  const jobs = [1, 2, 3].flatMap((nonce) => {
    const input = bench.input(nonce)
    return [0, 1].map((layer) => ({ layer, input }))
  })
  const alone: EncodedActivation[] = []
  for (const { layer, input } of jobs) alone.push(await resultAlone(bench, layer, input))
  const which = Array.from({ length: RUNS_AT_ONCE }, (_, i) => i % jobs.length)
  const calls = which.map((job) => runCall(bench, at(jobs, job).layer, at(jobs, job).input))
  for (const [i, outcome] of (await answered(bench, calls)).entries()) {
    const job = at(which, i)
    demandResult(outcome, at(jobs, job).input)
    demandNearest(`run ${i} of many`, valuesOf(resultOf(outcome)), alone.map(valuesOf), job)
  }
}

async function runsBatch(bench: ComputeBench): Promise<void> {
  await host(bench, 0)
  const inputs = [bench.input(1), bench.input(2)]
  const alone: EncodedActivation[] = []
  for (const input of inputs) alone.push(await resultAlone(bench, 0, input))
  const input = stacked(inputs)
  const [outcome] = await answered(bench, [runCall(bench, 0, input)])
  demandResult(outcome as LayerOutcome, input)
  const batch = resultOf(outcome as LayerOutcome)
  const values = valuesOf(batch)
  const rows = await scoresOf(bench, batch)
  demandEqual('rows of scores for two images', rows.length, 2)
  const rowsAlone: number[][] = []
  for (const one of alone) rowsAlone.push(...(await scoresOf(bench, one)))
  for (const image of [0, 1]) {
    const half = values.length / 2
    const own = values.subarray(image * half, (image + 1) * half)
    demandNearest(`image ${image} of a batch`, own, alone.map(valuesOf), image)
    const row = Float32Array.from(at(rows, image))
    const expected = Float32Array.from(at(rowsAlone, image))
    demandEqual('scores of an image of a batch', row.length, expected.length)
    demand(
      relativeL2(row, expected) < 0.01,
      `image ${image} of a batch has other scores than alone`,
    )
  }
}

async function answersAnyShape(bench: ComputeBench): Promise<void> {
  await host(bench, 0)
  const [, tokens, width] = bench.input(1).shape
  for (const shape of [
    [1, tokens + 1, width],
    [1, tokens, width + 1],
  ] as const) {
    const data = new Float32Array(shape[1] * shape[2]).fill(0.5)
    const input = encodeActivation({ shape, data }, bench.input(1).dtype)
    const [outcome] = await answered(bench, [runCall(bench, 0, input)])
    if (outcome !== undefined && 'failure' in outcome) demandFailure('another shape', outcome)
    else demandResult(outcome as LayerOutcome, input)
  }
  const [next] = await answered(bench, [runCall(bench, 0)])
  demandResult(next as LayerOutcome, bench.input(0))
}

/** What it says is never more than has passed, and of the time of many runs at once it is a good part. */
async function saysHowLong(bench: ComputeBench): Promise<void> {
  await host(bench, 0)
  let share = 0
  // Of several tries the best one counts: on a busy machine answers may wait long after their run.
  for (let left = TRIES_MAX; share < BUSY_SHARE_MIN; left--) {
    demand(left > 0, `runs took ${share} of the time that passed until their answers`)
    const startMs = bench.nowMs()
    const runs = Array.from({ length: RUNS_AT_ONCE }, (_, i) => {
      const run = { outcome: undefined as LayerOutcome | undefined, atMs: 0 }
      bench.compute.run(0, 0, bench.input(i % 10), (outcome) => {
        Object.assign(run, { outcome, atMs: bench.nowMs() })
      })
      return run
    })
    const isDone = () => runs.every(({ outcome }) => outcome !== undefined)
    await until(bench, 'the answers to many runs', isDone, PATIENCE_MS)
    let sum = 0
    for (const { outcome, atMs } of runs) {
      if (outcome === undefined || 'failure' in outcome) throw new Error('a run failed')
      const passed = atMs - startMs
      demand(outcome.ms <= passed + 1, `a run of ${outcome.ms} ms within ${passed} ms`)
      sum += outcome.ms
    }
    share = sum / (Math.max(...runs.map(({ atMs }) => atMs)) - startMs)
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
  await host(bench, 0)
  const input = await resultAlone(bench, 0, bench.input(1))
  const [outcome] = await answered(bench, [headCall(bench, input)])
  demandEqual('rows of scores', rowsOf(outcome as HeadOutcome).length, 1)
}

async function scores(bench: ComputeBench): Promise<void> {
  await host(bench, 0, 1)
  const given = new Set<string>()
  for (const layer of [0, 1]) {
    const rows = await scoresOf(bench, await resultAlone(bench, layer, bench.input(1)))
    given.add(rows.join())
  }
  demandEqual('different scores for two inputs', given.size, 2)
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
