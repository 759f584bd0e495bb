import { availableParallelism } from 'node:os'
import { type ModelSpec, partsOf, shapesOf } from '@layerswarm/model'
import type { Recipe, StepTime } from '@layerswarm/trainer'
import { benchRecipe } from '../project-places.ts'
import { type Bench, type BenchOptions, type BenchRow, medianRow } from './bench.ts'
import { TRAIN_STEPS, TRAIN_WARM_UP_STEPS } from './limits.ts'

/** Fashion-MNIST; no image of it is read. */
const DATASET = {
  imageSize: 28,
  channels: 1 as const,
  labels: Array.from({ length: 10 }, (_, id) => `class ${id}`),
}

/** Training steps beside PyTorch: forward, backward and update of the shipped model's shape. */
export const train: Bench = {
  name: 'train',
  compares: 'training of the shipped shape and of PyTorch on the same cores, taking turns',
  rounds: 5,
  async run(options) {
    const { readRecipe } = await import('@layerswarm/trainer')
    const recipe = await readRecipe(benchRecipe())
    const rows: BenchRow[] = []
    for (const threads of new Set([1, availableParallelism()])) {
      const measured = await compare({ ...recipe, optimizer: 'adamw', threads }, options)
      if (typeof measured === 'string') {
        options.log(`train: left out, ${measured}`)
        break
      }
      rows.push(...measured)
    }
    return rows
  },
}

/** @returns by the clock and by processor time, or why neither was measured. */
async function compare(recipe: Recipe, options: BenchOptions): Promise<BenchRow[] | string> {
  const { createStepTimer, openTorch, specOf } = await import('@layerswarm/trainer')
  const torch = await openTorch(recipe.threads)
  if (torch === undefined) return 'there is no python3 with PyTorch here (python3-torch)'
  const timer = await createStepTimer(recipe, DATASET, 'cpu')
  try {
    const spec = specOf(recipe, DATASET)
    const { batch, threads } = recipe
    const prepare = { do: 'prepare', spec, batch, threads, shapes: torchShapes(spec) }
    const { version, blas } = await torch.ask(prepare)
    if (blas === 'reference') {
      options.log(
        'train: PyTorch multiplies with the slow reference BLAS here; install libopenblas0-pthread for a fair comparison',
      )
    }
    options.log(`train, threads ${threads}: beside PyTorch ${version} with ${blas}`)
    const sides = {
      ours: (count: number) => timer.time(count),
      reference: async (count: number): Promise<StepTime> => {
        const { seconds, cpuSeconds } = await torch.ask({ do: 'steps', count })
        return { seconds: Number(seconds), cpuSeconds: Number(cpuSeconds) }
      },
    }
    const times = { ours: [] as StepTime[], reference: [] as StepTime[] }
    for (const side of ['ours', 'reference'] as const) await sides[side](TRAIN_WARM_UP_STEPS)
    for (let round = 0; round < options.rounds; round++) {
      for (const side of ['ours', 'reference'] as const) {
        options.signal.throwIfAborted()
        times[side].push(await sides[side](TRAIN_STEPS))
      }
    }
    const name = `${spec.layers} layers of ${spec.width}, batch ${batch}, threads ${threads}, PyTorch with ${blas} BLAS`
    return (['seconds', 'cpuSeconds'] as const).map((unit) => {
      const speeds = (one: readonly StepTime[]): number[] =>
        one.map((time) => (TRAIN_STEPS * batch) / time[unit])
      const per = unit === 'seconds' ? 'images/s' : 'images per processor second'
      return medianRow(name, speeds(times.ours), speeds(times.reference), per)
    })
  } finally {
    await timer.close()
    await torch.close()
  }
}

/** Shapes of all parameters, by part and name. */
function torchShapes(spec: ModelSpec): Readonly<Record<string, readonly number[]>> {
  const named = partsOf(spec).flatMap((part) =>
    Object.entries(shapesOf(spec, part)).map(
      ([name, shape]) => [`${part}.${name}`, shape] as const,
    ),
  )
  return Object.fromEntries(named)
}
