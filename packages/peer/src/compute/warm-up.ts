import {
  type Engine,
  inputShapeOf,
  type ModelSpec,
  type Part,
  randomPart,
  randomTensor,
} from '@layerswarm/model'
import { freeMemory } from '../engine/free-memory.ts'
import { isOnGpu } from './engine-trial.ts'
import { BATCH_BUCKETS } from './layer-batch.ts'
import { SLOW_RUN_MS, TIMED_RUNS_MAX, TIMING_MS_MAX } from './limits.ts'
import { checkOutput } from './plausible.ts'

interface Opened {
  readonly spec: ModelSpec
  readonly engine: Engine
}

/**
 * Two runs on noise: the first compiles, the second is what a run costs.
 * @param buckets that requests may come in: a shader compiled while somebody waits takes seconds.
 * @returns the milliseconds of one image.
 */
export async function warmUp(
  { engine, spec }: Opened,
  part: Part,
  buckets: readonly number[],
): Promise<number> {
  const noise = (images: number) => randomTensor([images, ...inputShapeOf(spec, part)], 1)
  async function check(images: number): Promise<void> {
    const input = noise(images)
    const output = await engine.run(part, input, 0)
    checkOutput(output, part)
    for (const { data } of [input, output]) freeMemory(data)
  }
  const [first = 1, ...larger] = buckets
  await check(first)
  const ms = await fastestRun(engine, part, noise(1), 1)
  // A device this slow is one in software, and gets no crowd that would fill its batches.
  if (ms > SLOW_RUN_MS) return ms
  for (const images of larger) await check(images)
  return ms
}

/** What has to be run once before a part is used: GPU shaders are shared by all layers of a model. */
export function bucketsToWarm({ engine }: Opened, part: Part, layersBefore: number): number[] {
  const isFirstLayer = typeof part === 'number' && layersBefore === 0
  return isOnGpu(engine.name) && isFirstLayer ? [...BATCH_BUCKETS] : [1]
}

/** The milliseconds of one image through one layer of random weights: the fastest of some runs. */
export async function timeLayer({ engine, spec }: Opened): Promise<number> {
  const layer = 0
  const input = randomTensor([1, ...inputShapeOf(spec, layer)], 1)
  await engine.load(layer, randomPart(spec, layer, 1))
  try {
    await engine.run(layer, input, 0)
    return await fastestRun(engine, layer, input, TIMED_RUNS_MAX)
  } finally {
    await engine.unload(layer)
  }
}

/** Uses the input up. */
async function fastestRun(
  engine: Engine,
  part: Part,
  input: ReturnType<typeof randomTensor>,
  runs: number,
): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY
  const untilMs = performance.now() + TIMING_MS_MAX
  for (let run = 0; run < runs && (run === 0 || performance.now() < untilMs); run++) {
    const startMs = performance.now()
    const { data } = await engine.run(part, input, 0)
    fastest = Math.min(fastest, performance.now() - startMs)
    freeMemory(data)
  }
  freeMemory(input.data)
  return fastest
}
