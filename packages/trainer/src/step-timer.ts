import { createOptimizerState } from './adamw.ts'
import { openEngine } from './engine/open-engine.ts'
import type { EngineName } from './engine/train-engine.ts'
import { drawOrder } from './layer-order.ts'
import { createOptimizer } from './optimizer.ts'
import { initialParameters, layoutOf } from './parameters.ts'
import { createRandom } from './random.ts'
import { type Recipe, specOf } from './recipe.ts'
import { createTrainSession } from './sessions.ts'
import { createStopwatch } from './stopwatch.ts'

/** What some training steps took. */
export interface StepTime {
  /** By the clock. */
  readonly seconds: number
  /** Of all threads of this process. */
  readonly cpuSeconds: number
}

/** Training steps on one batch of random images: what a step costs without reading data. */
export interface StepTimer {
  /** Runs so many steps. */
  time(steps: number): Promise<StepTime>
  close(): Promise<void>
}

/**
 * A timer for the model of a recipe, with fresh weights and data of the given sizes.
 * @param engineName what computes; by default a graphics card where there is one, else the
 * processor.
 * @throws TrainerError `no-engine` when that engine does not open here.
 */
export async function createStepTimer(
  recipe: Recipe,
  dataset: Parameters<typeof specOf>[1],
  engineName?: EngineName,
): Promise<StepTimer> {
  const spec = specOf(recipe, dataset)
  const layout = layoutOf(spec)
  const random = createRandom(recipe.seed, 'timing')
  const state = createOptimizerState(initialParameters(layout, random))
  const engine = await openEngine(engineName, recipe.threads)
  const session = createTrainSession(engine, spec, recipe.batch, state.parameters)
  const optimizer = await createOptimizer(recipe, layout, state)
  session.patches.set(session.patches.map(() => random.gaussian()))
  for (let row = 0; row < recipe.batch; row++) {
    session.targets[row * spec.classes + random.below(spec.classes)] = 1
  }
  let step = 0
  return {
    async time(steps) {
      const stopwatch = createStopwatch()
      for (let i = 0; i < steps; i++) {
        step++
        const order = drawOrder(spec, random)
        await session.run(order)
        await optimizer.step(session.gradients, order, step)
      }
      const { wallSeconds, cpuSeconds } = stopwatch.seconds()
      return { seconds: wallSeconds, cpuSeconds }
    },
    async close() {
      await session.close()
      await optimizer.close()
      await engine.close()
    },
  }
}
