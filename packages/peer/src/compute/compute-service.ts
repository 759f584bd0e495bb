import {
  type ActivationDtype,
  type CreateEngine,
  type EncodedActivation,
  type Engine,
  type EngineName,
  encodeActivation,
  ModelError,
  type ModelSpec,
  rowsOf,
  type Tensor,
} from '@layerswarm/model'
import { transfer } from 'comlink'
import { freeMemory } from '../engine/free-memory.ts'
import type { ComputeApi, LayerRun, Reply } from './compute-api.ts'
import { runBatch } from './layer-batch.ts'
import { SELF_CHECK_RELATIVE_L2_MAX } from './limits.ts'
import { checkOutput, decodeInput, Refusal } from './plausible.ts'
import { selfCheck } from './self-check.ts'
import { bucketsToWarm, timeLayer, warmUp } from './warm-up.ts'

/** The engines that one worker can open. */
export type EngineFactories = Partial<Record<EngineName, CreateEngine>>

interface Opened {
  readonly spec: ModelSpec
  readonly engine: Engine
}

/** The inside of a compute worker. Calls may overlap; the engine queues them. */
export function createComputeService(factories: EngineFactories): ComputeApi {
  let opened: Opened | undefined
  let closed = false
  let layersLoaded = 0
  const running = new Set<Promise<unknown>>()

  /** Turns refusals, which are expected of strangers' data, into values; lets other errors through. */
  async function reply<T>(job: () => Promise<T>): Promise<Reply<T>> {
    if (closed) return { refused: 'the compute worker is closed' }
    const run = job()
    running.add(run)
    try {
      return { result: await run }
    } catch (error) {
      if (error instanceof ModelError || error instanceof Refusal) return { refused: error.message }
      throw error
    } finally {
      running.delete(run)
    }
  }

  function current(): Opened {
    if (opened === undefined) throw new Error('the compute worker was not opened')
    return opened
  }

  return {
    open: (spec, name) =>
      reply(async () => {
        const createEngine = factories[name]
        if (createEngine === undefined) throw new Refusal(`engine ${name} cannot be run here`)
        const distance = await selfCheck(createEngine)
        if (distance > SELF_CHECK_RELATIVE_L2_MAX) {
          throw new Refusal(`engine ${name} computes wrong results on this machine`)
        }
        opened = { spec, engine: await createEngine(spec) }
      }),
    time: () => reply(() => timeLayer(current())),
    lost: () => current().engine.lost ?? new Promise<never>(() => undefined),
    load: (part, file) =>
      reply(async () => {
        const { engine } = current()
        await engine.load(part, file)
        if (!engine.viewsFiles) freeMemory(file)
        try {
          const buckets = bucketsToWarm(current(), part, layersLoaded)
          const ms = await warmUp(current(), part, buckets)
          if (typeof part === 'number') layersLoaded += 1
          return ms
        } catch (error) {
          await engine.unload(part)
          throw error
        }
      }),
    unload: (part) => reply(() => current().engine.unload(part)),
    runLayer: (layer, jobs, dtype) =>
      reply(() => runBatch(current(), layer, jobs, dtype)).then((run) =>
        'result' in run ? moving(run, activationsOf(run.result)) : run,
      ),
    runStem: (images, dtype) =>
      reply(() => stem(current().engine, images, dtype)).then((run) =>
        'result' in run ? moving(run, [run.result]) : run,
      ),
    runHead: (input) =>
      reply(async () => {
        const logits = await current().engine.run('head', decodeInput(input), 0)
        checkOutput(logits, 'head')
        return rowsOf(logits).map((row) => Array.from(row))
      }),
    async close() {
      closed = true
      await Promise.allSettled(running)
      await opened?.engine.close()
      return { result: undefined }
    },
  }
}

async function stem(
  engine: Engine,
  images: Tensor,
  dtype: ActivationDtype,
): Promise<EncodedActivation> {
  const output = await engine.run('stem', images, 0)
  checkOutput(output, 'stem')
  return encodeActivation(output, dtype)
}

/** Lets the bytes of fresh activations leave the worker without a copy. */
function moving<T>(run: Reply<T>, activations: readonly EncodedActivation[]): Reply<T> {
  const buffers = new Set(activations.map(({ bytes }) => bytes.buffer as ArrayBuffer))
  return transfer(run, [...buffers])
}

function activationsOf(runs: readonly Reply<LayerRun>[]): EncodedActivation[] {
  return runs.flatMap((run) => ('result' in run ? [run.result.activation] : []))
}
