import {
  type ActivationDtype,
  type CreateEngine,
  decodeActivation,
  type EncodedActivation,
  type Engine,
  type EngineName,
  encodeActivation,
  inputShapeOf,
  ModelError,
  type ModelSpec,
  type Part,
  partName,
  randomTensor,
  rowsOf,
  type Tensor,
} from '@layerswarm/model'
import { transfer } from 'comlink'
import type { ComputeApi, Reply } from './compute-api.ts'
import { SELF_CHECK_RELATIVE_L2_MAX, selfCheck } from './self-check.ts'

/** The engines that one worker can open. */
export type EngineFactories = Partial<Record<EngineName, CreateEngine>>

/**
 * Root mean square of an activation. Layer outputs of trained vision transformers lie between 0.1
 * and 100; a thousand times that is the work of a liar or of a broken engine.
 */
const ACTIVATION_RMS_MAX = 1e5

/** A refusal of what came in, as opposed to a failure of the engine. */
class Refusal extends Error {}

interface Opened {
  readonly spec: ModelSpec
  readonly engine: Engine
}

/** The inside of a compute worker. Calls may overlap; the engine queues them. */
export function createComputeService(factories: EngineFactories): ComputeApi {
  let opened: Opened | undefined
  let closed = false
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

  /** Two runs on noise: the first compiles, the second is what a run costs. @returns its ms. */
  async function warmUp({ engine, spec }: Opened, part: Part): Promise<number> {
    const input = randomTensor([1, ...inputShapeOf(spec, part)], 1)
    checkOutput(await engine.run(part, input, 0), part)
    const startMs = performance.now()
    await engine.run(part, input, 0)
    return performance.now() - startMs
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
    load: (part, file) =>
      reply(async () => {
        const { engine } = current()
        await engine.load(part, file)
        try {
          return await warmUp(current(), part)
        } catch (error) {
          await engine.unload(part)
          throw error
        }
      }),
    unload: (part) => reply(() => current().engine.unload(part)),
    runLayer: (layer, hop, input, dtype) =>
      reply(async () => {
        const startMs = performance.now()
        const output = await current().engine.run(layer, decodeInput(input), hop)
        checkOutput(output, layer)
        const activation = encodeActivation(output, dtype)
        return { activation, ms: performance.now() - startMs }
      }).then((run) => moving(run, 'result' in run ? run.result.activation : undefined)),
    runStem: (images, dtype) =>
      reply(() => stem(current().engine, images, dtype)).then((run) =>
        moving(run, 'result' in run ? run.result : undefined),
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

/** Lets the bytes of a fresh activation leave the worker without a copy. */
function moving<T>(run: Reply<T>, activation: EncodedActivation | undefined): Reply<T> {
  return activation === undefined ? run : transfer(run, [activation.bytes.buffer as ArrayBuffer])
}

function decodeInput(encoded: EncodedActivation): Tensor {
  const input = decodeActivation(encoded)
  const rms = rootMeanSquare(input)
  if (rms > ACTIVATION_RMS_MAX) throw new Refusal(`an activation of size ${rms} is not plausible`)
  return input
}

/** @throws Refusal for values that are not finite or implausibly large. */
function checkOutput(output: Tensor, part: Part): void {
  const rms = rootMeanSquare(output)
  // Written so that a NaN fails too.
  if (!(rms <= ACTIVATION_RMS_MAX)) {
    throw new Refusal(`the output of ${partName(part)} is not plausible: its size is ${rms}`)
  }
}

function rootMeanSquare({ data }: Tensor): number {
  let sum = 0
  for (const value of data) sum += value * value
  return Math.sqrt(sum / data.length)
}
