import type { ModelSpec } from '@layerswarm/model'
import type { TrainEngine } from './engine/train-engine.ts'
import type { LayerPlan } from './layer-order.ts'
import { createCores } from './low-rank-core.ts'
import { layoutOf, type ParameterLayout } from './parameters.ts'
import type { Recipe } from './recipe.ts'
import { createTrainSession } from './sessions.ts'

/** The mean over the images of a batch, of which equal parts took orders of their own. */
export interface BatchResult {
  readonly loss: number
  /** Flat, by slot; overwritten by the next run. */
  readonly gradients: Float32Array
  /** The layer of each slot; layers in no order are missing. */
  readonly order: ArrayLike<number>
}

/** Forward and backward passes of whole batches, each order for an equal part of the images. */
export interface BatchPasses {
  /** (B·P, channels·p·p) with all patches, to be filled before `run`. */
  readonly patches: Float32Array
  /** (B, classes), wanted probabilities, to be filled before `run`. */
  readonly targets: Float32Array
  /**
   * @param plans as many as the recipe has `orders`.
   * @param kept the patches that are used; all if it is empty.
   */
  run(plans: readonly LayerPlan[], kept: ArrayLike<number>): Promise<BatchResult>
  close(): Promise<void>
}

/** @param parameters flat, as `layoutOf(spec)` says; not copied. */
export function createBatchPasses(
  engine: TrainEngine,
  spec: ModelSpec,
  recipe: Pick<Recipe, 'batch' | 'orders' | 'distinctLayers' | 'coreRank'>,
  parameters: Float32Array,
): BatchPasses {
  const { batch, orders, distinctLayers, coreRank } = recipe
  const layout = layoutOf(spec)
  const cores = coreRank > 0 ? createCores(layout, coreRank, parameters) : undefined
  const used = cores?.parameters ?? parameters
  const session = createTrainSession(engine, spec, batch / orders, used)
  const close = (): Promise<void> => session.close()
  /** Leaves the gradients in the session. @returns the loss. */
  async function runPlan(plan: LayerPlan, kept: ArrayLike<number>): Promise<number> {
    cores?.take(plan.cores)
    const loss = await session.run(plan.order, kept, plan.rounds)
    cores?.project(session.gradients, plan.order)
    return loss
  }
  if (orders === 1 && distinctLayers === spec.layers) {
    const { patches, targets, gradients } = session
    return {
      patches,
      targets,
      async run(plans, kept) {
        const plan = plans[0] ?? { order: [], rounds: [], cores: [] }
        return { loss: await runPlan(plan, kept), gradients, order: plan.order }
      },
      close,
    }
  }

  const patches = new Float32Array(session.patches.length * orders)
  const targets = new Float32Array(session.targets.length * orders)
  const gradients = new Float32Array(layout.elements)
  return {
    patches,
    targets,
    async run(plans, kept) {
      const order = [...new Set(plans.flatMap((plan) => Array.from(plan.order)))].toSorted(
        (a, b) => a - b,
      )
      gradients.fill(0)
      let loss = 0
      for (const [part, plan] of plans.entries()) {
        copyPart(session.patches, patches, part)
        copyPart(session.targets, targets, part)
        loss += (await runPlan(plan, kept)) / orders
        addGradients(layout, session.gradients, plan.order, gradients, order, 1 / orders)
      }
      return { loss, gradients, order }
    },
    close,
  }
}

function copyPart(target: Float32Array, all: Float32Array, part: number): void {
  target.set(all.subarray(part * target.length, (part + 1) * target.length))
}

/**
 * Adds gradients by the slots of one order to those by the slots of another. A layer that stands
 * in several slots of the first has the sum of them.
 */
function addGradients(
  { parts }: ParameterLayout,
  from: Float32Array,
  fromOrder: ArrayLike<number>,
  to: Float32Array,
  toOrder: readonly number[],
  weight: number,
): void {
  const tensorsOf = new Map(parts.map(({ part, tensors }) => [part, tensors]))
  for (const { part, tensors } of parts) {
    if (typeof part === 'number' && part >= fromOrder.length) continue // a slot without a layer
    const slot = typeof part === 'number' ? toOrder.indexOf(fromOrder[part] as number) : part
    const targets = tensorsOf.get(slot) ?? tensors
    tensors.forEach(({ offset, elements }, index) => {
      const start = targets[index]?.offset ?? offset
      for (let i = 0; i < elements; i++) {
        to[start + i] = (to[start + i] as number) + weight * (from[offset + i] as number)
      }
    })
  }
}
