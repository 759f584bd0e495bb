import {
  type EncodedActivation,
  type EngineName,
  encodeActivation,
  randomTensor,
} from '@layerswarm/model'
import type { LayerOutcome } from '@layerswarm/swarm'
import { afterEach, describe, expect, test } from 'vitest'
import type { ComputePlatform } from './engine-opener.ts'
import { createPartCompute, type PartCompute } from './part-compute.ts'
import {
  changedReference,
  inProcess,
  renamedReference,
  SMALL_FILES,
  SMALL_SPEC,
  storeOf,
} from './test-workers.ts'

const opened: PartCompute[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((compute) => compute.close()))
})

async function open(platform: ComputePlatform): Promise<PartCompute> {
  const store = storeOf(SMALL_FILES)
  const compute = await createPartCompute(
    { spec: SMALL_SPEC, store, wireDtype: 'float32' },
    platform,
  )
  opened.push(compute)
  return compute
}

const input = (seed = 5): EncodedActivation =>
  encodeActivation(randomTensor([1, 5, SMALL_SPEC.width], seed), 'float32')
const host = (compute: PartCompute, layer: number) =>
  new Promise<string | undefined>((resolve) => compute.host(layer, resolve))
const run = (compute: PartCompute, layer: number, seed?: number) =>
  new Promise<LayerOutcome>((resolve) => compute.run(layer, 1, input(seed), resolve))

/** What a compute told its peer, in order. */
function told(compute: PartCompute) {
  const lines: (string | undefined)[] = []
  let waiting: { line: string | undefined; resolve: () => void } | undefined
  compute.listen({
    ailing(line) {
      lines.push(line)
      if (waiting !== undefined && waiting.line === line) waiting.resolve()
    },
    outOfMemory: (line) => lines.push(`out of memory: ${line}`),
  })
  const until = (line: string | undefined) =>
    new Promise<void>((resolve) => {
      waiting = { line, resolve }
      if (lines.includes(line)) resolve()
    })
  return { lines, until }
}

const slow = (name: EngineName) =>
  changedReference(name, async (compute) => {
    await new Promise((resolve) => setTimeout(resolve, 150))
    return compute()
  })
const wrong = (name: EngineName) =>
  changedReference(name, async (compute) => {
    const { shape, data } = await compute()
    return { shape, data: data.map((value) => value * 1.01) }
  })

describe('several engines', { timeout: 20_000 }, () => {
  test('are all tried, and the fastest that computes right serves', async () => {
    const platform = inProcess({
      'ort-webgpu': wrong('ort-webgpu'),
      'tfjs-webgpu': slow('tfjs-webgpu'),
      'ort-wasm': renamedReference('ort-wasm'),
    })
    const compute = await open(platform)
    expect(compute.backend).toBe('ort-wasm')
    expect(platform.started).toEqual(['ort-webgpu', 'tfjs-webgpu', 'ort-wasm'])
    const { trials } = compute.supervisor
    expect(trials.map(({ engine, refused }) => [engine, refused])).toEqual([
      ['ort-webgpu', 'engine ort-webgpu computes wrong results on this machine'],
      ['tfjs-webgpu', undefined],
      ['ort-wasm', undefined],
    ])
    expect(trials[1]?.layerMs).toBeGreaterThan(trials[2]?.layerMs ?? Number.NaN)
  })

  test('that were ruled out beforehand keep their reason', async () => {
    const refused = 'the only WebGPU adapter is software'
    const compute = await open(
      inProcess(
        { 'ort-wasm': renamedReference('ort-wasm') },
        { ruledOut: [{ engine: 'ort-webgpu', layerMs: undefined, refused }] },
      ),
    )
    expect(compute.supervisor.trials).toEqual([
      { engine: 'ort-webgpu', layerMs: undefined, refused },
      { engine: 'ort-wasm', layerMs: undefined, refused: undefined },
    ])
  })

  test('that all compute wrong leave nothing to serve with, and say so', async () => {
    const opening = open(
      inProcess({ 'ort-webgpu': wrong('ort-webgpu'), 'ort-wasm': wrong('ort-wasm') }),
    )
    await expect(opening).rejects.toThrow(
      /^no engine can compute here \(ort-webgpu: .* wrong results .*; ort-wasm: .*\)$/,
    )
  })
})

describe('a lost device', { timeout: 20_000 }, () => {
  test('is replaced at once, with its layers, before anybody asks', async () => {
    let lose: (line: string) => void = () => undefined
    const lost = new Promise<string>((resolve) => {
      lose = resolve
    })
    const platform = inProcess(
      { 'ort-webgpu': [renamedReference('ort-webgpu', lost), renamedReference('ort-webgpu')] },
      { lastResort: 'ort-wasm' },
    )
    const compute = await open(platform)
    const { lines, until } = told(compute)
    for (const layer of [0, 2]) await host(compute, layer)
    const before = await run(compute, 2)
    lose('the GPU device was lost')
    await until(undefined)
    expect(lines).toEqual(['the GPU device was lost', undefined])
    expect(await run(compute, 2)).toMatchObject({ activation: activationOf(before) })
    expect([compute.backend, compute.supervisor.restarts]).toEqual(['ort-webgpu', 1])
  })

  test('that is lost again leaves the work to the last resort', async () => {
    const losses: ((line: string) => void)[] = []
    const losing = () =>
      renamedReference('ort-webgpu', new Promise<string>((resolve) => losses.push(resolve)))
    const platform = inProcess(
      {
        'ort-webgpu': [losing(), losing()],
        'ort-wasm': renamedReference('ort-wasm'),
      },
      { engines: ['ort-webgpu'], lastResort: 'ort-wasm' },
    )
    const compute = await open(platform)
    await host(compute, 1)
    for (const lose of losses) {
      const { until } = told(compute)
      lose('the GPU device was lost')
      await until(undefined)
    }
    expect(compute.backend).toBe('ort-wasm')
    expect(await run(compute, 1)).toHaveProperty('activation')
    const [gpu] = compute.supervisor.trials
    expect(gpu?.refused).toBe('failed 2 times: the GPU device was lost')
  })
})

describe('an engine that runs out of memory', { timeout: 20_000 }, () => {
  test('says so, so that its peer hosts fewer layers', async () => {
    let full = false
    const engine = changedReference('ort-wasm', async (compute) => {
      if (full) throw new RangeError('Array buffer allocation failed')
      return compute()
    })
    const compute = await open(inProcess({ 'ort-wasm': engine }))
    const { lines, until } = told(compute)
    for (const layer of [0, 1]) await host(compute, layer)
    full = true
    expect(await run(compute, 0)).toEqual({ failure: 'Array buffer allocation failed' })
    full = false
    await until(undefined)
    expect(lines.slice(0, 2)).toEqual([
      'Array buffer allocation failed',
      'out of memory: Array buffer allocation failed',
    ])
    compute.drop(1)
    expect(await run(compute, 0)).toHaveProperty('activation')
  })
})

describe('concurrent runs of one layer', { timeout: 20_000 }, () => {
  /** Counts the runs of layer 0 that the engine was asked for, by images. */
  function counting(name: EngineName) {
    const images: number[] = []
    const engine = changedReference(name, (compute, part, given) => {
      if (part === 0) images.push(given.shape[0] ?? 0)
      return compute()
    })
    return { images, engine }
  }

  test('are one batch on a GPU, and each gets its own result', async () => {
    const { images, engine } = counting('tfjs-webgpu')
    const compute = await open(inProcess({ 'tfjs-webgpu': engine }))
    await host(compute, 0)
    const alone = []
    for (const seed of [1, 2, 3, 4, 5]) alone.push(activationOf(await run(compute, 0, seed)))
    images.length = 0
    const together = await Promise.all([1, 2, 3, 4, 5].map((seed) => run(compute, 0, seed)))
    expect(together.map(activationOf)).toEqual(alone)
    // Five images in the bucket of eight; whoever came first may have gone alone.
    expect(images.length).toBeLessThanOrEqual(2)
    expect(compute.batches.runs).toBe(10)
  })

  test('that are more than a batch become several', async () => {
    const { images, engine } = counting('tfjs-webgpu')
    const compute = await open(inProcess({ 'tfjs-webgpu': engine }))
    await host(compute, 0)
    images.length = 0
    const seeds = Array.from({ length: 20 }, (_, seed) => seed)
    const outcomes = await Promise.all(seeds.map((seed) => run(compute, 0, seed)))
    for (const outcome of outcomes) expect(outcome).toHaveProperty('activation')
    expect(Math.max(...images)).toBe(8)
  })

  test('run one by one on the CPU, where a batch gains nothing', async () => {
    const { images, engine } = counting('ort-wasm')
    const compute = await open(inProcess({ 'ort-wasm': engine }))
    await host(compute, 0)
    images.length = 0
    await Promise.all([1, 2, 3].map((seed) => run(compute, 0, seed)))
    expect(images).toEqual([1, 1, 1])
  })

  test('at different hops are kept apart where the hop counts', async () => {
    const { images, engine } = counting('tfjs-webgpu')
    const compute = await open(inProcess({ 'tfjs-webgpu': engine }))
    await host(compute, 0)
    images.length = 0
    const at = (hop: number) =>
      new Promise<LayerOutcome>((resolve) => compute.run(0, hop, input(), resolve))
    const [first, second] = await Promise.all([at(0), at(1)])
    expect(activationOf(first)).not.toEqual(activationOf(second))
    expect(images).toEqual([1, 1])
  })

  test('leave a bad one among them to its own refusal', async () => {
    const compute = await open(inProcess({ 'tfjs-webgpu': counting('tfjs-webgpu').engine }))
    await host(compute, 0)
    const bad = { ...input(), shape: [1, 5, 15] as [number, number, number] }
    const refused = new Promise<LayerOutcome>((resolve) => compute.run(0, 1, bad, resolve))
    const outcomes = await Promise.all([run(compute, 0), refused, run(compute, 0)])
    expect(outcomes.map((outcome) => 'failure' in outcome)).toEqual([false, true, false])
  })
})

function activationOf(outcome: LayerOutcome): EncodedActivation {
  if ('failure' in outcome) throw new Error(outcome.failure)
  return outcome.activation
}
