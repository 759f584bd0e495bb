import {
  createReferenceEngine,
  decodeActivation,
  type EncodedActivation,
  encodeActivation,
  type ModelSpec,
  randomModel,
  randomTensor,
  relativeL2,
} from '@layerswarm/model'
import type { HeadOutcome, LayerOutcome } from '@layerswarm/swarm'
import { afterEach, describe, expect, test } from 'vitest'
import { PeerError } from '../errors.ts'
import { createCompute, enginesFor, nodePlatform } from './compute.node.ts'
import type { ComputePlatform } from './engine-opener.ts'
import type { WorkerLimits } from './limits.ts'
import { createPartCompute, type PartCompute } from './part-compute.ts'
import { storeOf } from './test-workers.ts'

const SPEC: ModelSpec = {
  variant: 'position',
  imageSize: 16,
  patchSize: 2,
  channels: 1,
  width: 32,
  layers: 3,
  heads: 4,
  mlpWidth: 64,
  classes: 5,
  layerNormEps: 1e-6,
}
const FILES = randomModel(SPEC, 3)
const NEEDS = { spec: SPEC, wireDtype: 'float32' } as const

const opened: PartCompute[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((compute) => compute.close()))
})

async function open(
  platform: ComputePlatform,
  limits: Partial<WorkerLimits> = {},
): Promise<PartCompute> {
  const compute = await createPartCompute({ ...NEEDS, store: storeOf(FILES) }, platform, limits)
  opened.push(compute)
  return compute
}

/** A platform that lets a test reach the workers it started. */
function observed(platform: ComputePlatform) {
  const workers: { terminate(): Promise<void> }[] = []
  const spawnerOf: ComputePlatform['spawnerOf'] = (engine) => (failed) => {
    const worker = platform.spawnerOf(engine)(failed)
    workers.push(worker)
    return worker
  }
  return { platform: { ...platform, spawnerOf }, workers }
}

const host = (compute: PartCompute, layer: number) =>
  new Promise<string | undefined>((resolve) => compute.host(layer, resolve))
const run = (compute: PartCompute, layer: number, hop: number, input: EncodedActivation) =>
  new Promise<LayerOutcome>((resolve) => compute.run(layer, hop, input, resolve))
const runHead = (compute: PartCompute, input: EncodedActivation) =>
  new Promise<HeadOutcome>((resolve) => compute.runHead(input, resolve))

function activationOf(outcome: LayerOutcome): EncodedActivation {
  if ('failure' in outcome) throw new Error(outcome.failure)
  return outcome.activation
}

const input = (batch = 1) => encodeActivation(randomTensor([batch, 65, SPEC.width], 5), 'float32')

// Opening WebAssembly takes seconds on a busy machine.
describe('the compute of Node', { timeout: 30_000 }, () => {
  test.each(['ort-node', 'ort-wasm', 'reference'] as const)(
    'runs a whole request on %s as the reference does',
    async (engine) => {
      const compute = await createCompute({ ...NEEDS, store: storeOf(FILES) }, engine)
      opened.push(compute)
      expect(compute.backend).toBe(engine)
      for (const layer of [0, 1, 2]) expect(await host(compute, layer)).toBeUndefined()

      const images = randomTensor([2, 1, 16, 16], 9)
      const reference = createReferenceEngine(SPEC)
      for (const [part, file] of FILES) await reference.load(part, file)
      let expected = await reference.run('stem', images, 0)
      let ours = await compute.stem(images)
      for (const [hop, layer] of [2, 0, 1].entries()) {
        expected = await reference.run(layer, expected, hop)
        ours = activationOf(await run(compute, layer, hop, ours))
      }
      expect(relativeL2(decodeActivation(ours).data, expected.data)).toBeLessThan(1e-5)
      const logits = await reference.run('head', expected, 0)
      const head = await runHead(compute, ours)
      if ('failure' in head) throw new Error(head.failure)
      expect(head.logits.map((row) => row.length)).toEqual([5, 5])
      expect(relativeL2(head.logits.flat(), logits.data)).toBeLessThan(1e-5)
    },
  )

  test('chooses ONNX Runtime by itself, and measures a layer before its first run', async () => {
    const compute = await createCompute({ ...NEEDS, store: storeOf(FILES) }, 'auto')
    opened.push(compute)
    expect(compute.backend).toBe('ort-node')
    expect(compute.layerMs).toBe(0)
    await host(compute, 1)
    expect(compute.layerMs).toBeGreaterThan(0)
  })

  test('takes WebAssembly where onnxruntime-node is not installed, and where it does not run', () => {
    expect(enginesFor('auto', false)).toEqual(['ort-wasm'])
    expect(enginesFor('auto', true)).toEqual(['ort-node', 'ort-wasm'])
  })

  test('says what to install for an engine that is asked for and missing', () => {
    expect(() => enginesFor('ort-node', false)).toThrow(
      /^engine ort-node takes the package onnxruntime-node, which is not installed: run `npm install --ignore-scripts onnxruntime-node`, or choose ort-wasm$/,
    )
  })

  test('refuses an engine of the browser in one line', async () => {
    const opening = createCompute({ ...NEEDS, store: storeOf(FILES) }, 'ort-webgpu')
    await expect(opening).rejects.toThrow(/ort-webgpu does not run in Node; choose one of/)
    await expect(opening).rejects.toBeInstanceOf(PeerError)
  })

  test('loads the head while the first stem runs', async () => {
    const store = storeOf(FILES)
    const asked: unknown[] = []
    const watched: typeof store = {
      ...store,
      part: (part, signal) => {
        asked.push(part)
        return store.part(part, signal)
      },
    }
    const platform = nodePlatform(['reference'])
    const compute = await createPartCompute({ ...NEEDS, store: watched }, platform)
    opened.push(compute)
    await compute.stem(randomTensor([1, 1, 16, 16], 9))
    expect(asked).toEqual(['stem', 'head'])
  })

  test('runs stem and head before layers that wait', async () => {
    const compute = await open(nodePlatform(['reference']))
    await host(compute, 0)
    await compute.stem(randomTensor([1, 1, 16, 16], 9))
    await runHead(compute, input())
    const ended: string[] = []
    const runs = [0, 1, 2].map(async (hop) => {
      await run(compute, 0, hop, input())
      ended.push('layer')
    })
    const head = runHead(compute, input()).then(() => ended.push('head'))
    const stem = compute.stem(randomTensor([1, 1, 16, 16], 9)).then(() => ended.push('stem'))
    await Promise.all([...runs, head, stem])
    expect(ended.slice(-2)).toEqual(['layer', 'layer'])
  })

  test('encodes in the dtype of the wire and leaves the input to its owner', async () => {
    const store = storeOf(FILES)
    const compute = await createCompute({ spec: SPEC, store, wireDtype: 'float16' }, 'ort-node')
    opened.push(compute)
    await host(compute, 0)
    const given = input()
    const { dtype, bytes } = activationOf(await run(compute, 0, 0, given))
    expect([dtype, bytes.length]).toEqual(['float16', given.bytes.length / 2])
    expect(given).toEqual(input())
  })

  test('runs what comes at once one after the other', async () => {
    const compute = await open(nodePlatform(['ort-node']))
    await host(compute, 0)
    const outcomes = await Promise.all([1, 2, 3, 4].map((n) => run(compute, 0, 0, input(n))))
    expect(outcomes.map((outcome) => activationOf(outcome).shape[0])).toEqual([1, 2, 3, 4])
  })

  test('refuses bad input and parts that it does not host without losing its worker', async () => {
    const compute = await open(nodePlatform(['ort-node']))
    await host(compute, 0)
    const huge = randomTensor([1, 65, SPEC.width], 5)
    huge.data.fill(3e38)
    const failures = [
      await run(compute, 1, 0, input()),
      await run(compute, 0, SPEC.layers, input()),
      await run(compute, 0, 0, { ...input(), shape: [1, 65, 31] }),
      await run(compute, 0, 0, { ...input(), bytes: new Uint8Array(65 * 32 * 4).fill(0xff) }),
      await run(compute, 0, 0, encodeActivation(huge, 'float32')),
    ]
    expect(failures).toEqual([
      { failure: 'layer 1 is not loaded' },
      { failure: 'hop 3 is not from 0 to 2' },
      { failure: expect.stringMatching(/^activation: .* needs .* bytes/) },
      { failure: expect.stringMatching(/not finite/) },
      { failure: expect.stringMatching(/not plausible/) },
    ])
    expect(compute.supervisor.restarts).toBe(0)
    activationOf(await run(compute, 0, 0, input()))
  })

  test('forgets a dropped layer, also one that is still on its way', async () => {
    const compute = await open(nodePlatform(['ort-node']))
    await host(compute, 0)
    compute.drop(0)
    expect(await run(compute, 0, 0, input())).toEqual({ failure: 'layer 0 is not loaded' })
    const hosting = host(compute, 1)
    compute.drop(1)
    expect(await hosting).toBe('layer 1 is not hosted any more')
    expect(await run(compute, 1, 0, input())).toEqual({ failure: 'layer 1 is not loaded' })
  })

  test('says why it cannot host a layer', async () => {
    const store = storeOf(new Map([[0, FILES.get('head') ?? new Uint8Array()]]))
    const compute = await createCompute({ ...NEEDS, store }, 'ort-node')
    opened.push(compute)
    expect(await host(compute, 0)).toMatch(
      /^tensor "layernorm_before.weight" of layer 0 is missing$/,
    )
    expect(await host(compute, 1)).toMatch(/^layer 1 cannot be loaded: /)
  })

  test('takes the next engine when the first does not open', async () => {
    const compute = await open(nodePlatform(['ort-webgpu', 'ort-node']))
    expect(compute.backend).toBe('ort-node')
  })

  test('says in one line why no engine opens', async () => {
    await expect(open(nodePlatform(['tfjs-webgpu', 'ort-webgpu']))).rejects.toThrow(
      /^no engine can compute here \(tfjs-webgpu: .* cannot be run here; ort-webgpu: .*\)$/,
    )
  })
})

describe('a compute whose worker fails', { timeout: 30_000 }, () => {
  test('reports the run that a crash took along, and goes on in a new worker', async () => {
    const { platform, workers } = observed(nodePlatform(['reference']))
    const compute = await open(platform)
    for (const layer of [0, 2]) await host(compute, layer)
    const before = activationOf(await run(compute, 2, 1, input()))

    const lost = run(compute, 2, 1, input(50))
    await Promise.resolve() // let it reach the worker
    await workers[0]?.terminate()
    expect(await lost).toEqual({ failure: expect.stringMatching(/compute worker ended/) })
    expect(activationOf(await run(compute, 2, 1, input()))).toEqual(before)
    activationOf(await run(compute, 0, 1, input()))
    expect([compute.supervisor.restarts, workers.length]).toEqual([1, 2])
  })

  test('replaces a worker that died while idle without losing a run', async () => {
    const { platform, workers } = observed(nodePlatform(['ort-node']))
    const compute = await open(platform)
    await host(compute, 0)
    await workers[0]?.terminate()
    activationOf(await run(compute, 0, 0, input()))
    expect(compute.supervisor.restarts).toBe(1)
  })

  test('terminates a worker that does not answer in time', async () => {
    // Plain loops over 250 images take many times the limit, and one image a fraction of it.
    const { platform, workers } = observed(nodePlatform(['reference']))
    const compute = await open(platform, { runMs: 250 })
    await host(compute, 0)
    const hung = await run(compute, 0, 0, input(250))
    expect(hung).toEqual({ failure: 'the compute worker was silent for 250 ms' })
    activationOf(await run(compute, 0, 0, input(1)))
    expect([compute.supervisor.restarts, workers.length]).toEqual([1, 2])
  })

  test('changes to the next engine when the first keeps failing', async () => {
    const { platform, workers } = observed(nodePlatform(['reference', 'ort-node']))
    const compute = await open(platform)
    await host(compute, 0)
    for (let crash = 0; crash < 3; crash++) {
      expect(compute.backend).toBe('reference')
      const lost = run(compute, 0, 0, input(50))
      await workers.at(-1)?.terminate()
      await lost
      await host(compute, 0)
    }
    activationOf(await run(compute, 0, 0, input()))
    expect(compute.backend).toBe('ort-node')
  })

  test('ends in the middle of native runs without taking the process along', async () => {
    for (const batch of [10, 50, 100, 200]) {
      const compute = await open(nodePlatform(['ort-node']))
      await host(compute, 0)
      const running = run(compute, 0, 0, input(batch))
      await new Promise(setImmediate) // the run is on its way to the worker, which takes long over it
      await compute.close()
      await running
    }
  })

  test('reports what still runs when it is closed, and whatever comes later', async () => {
    const compute = await open(nodePlatform(['ort-node']))
    await host(compute, 0)
    const running = run(compute, 0, 0, input(50))
    const waiting = run(compute, 0, 0, input())
    await compute.close()
    const closed = { failure: 'the compute worker is closed' }
    expect(await Promise.all([running, waiting])).toEqual([closed, closed])
    expect(await run(compute, 0, 0, input())).toEqual(closed)
    await expect(compute.stem(randomTensor([1, 1, 16, 16], 1))).rejects.toThrow('closed')
  })
})
