import type { Part } from '@layerswarm/model'
import { adamwStep, emaAt, type OptimizerState } from './adamw.ts'
import { createMuon, isMuonMatrix } from './muon.ts'
import type { ParameterLayout, ParameterTensor } from './parameters.ts'
import { type Recipe, stepsOf } from './recipe.ts'
import { learningRateAt } from './schedule.ts'

/** Updates all parameters as a recipe says. */
export interface Optimizer {
  /**
   * One step in place.
   * @param gradients flat, by slot.
   * @param order the layer of each slot; layers that it leaves out stay as they are.
   * @param step counted from 1.
   */
  step(gradients: Float32Array, order: ArrayLike<number>, step: number): Promise<void>
  close(): Promise<void>
}

/**
 * AdamW for everything, or Muon for the matrices of the encoder layers and AdamW for the rest, as
 * the recipe says.
 * @param state changed in place by every step.
 */
export async function createOptimizer(
  recipe: Recipe,
  layout: ParameterLayout,
  state: OptimizerState,
): Promise<Optimizer> {
  const muon = recipe.optimizer === 'muon' ? await createMuon(layout, recipe.threads) : undefined
  const schedule = { ...recipe, steps: stepsOf(recipe) }
  const isMuons = (tensor: ParameterTensor, part: Part): boolean =>
    muon !== undefined && typeof part === 'number' && isMuonMatrix(tensor)
  return {
    async step(gradients, order, step) {
      const rate = learningRateAt(step, schedule)
      adamwStep(state, gradients, layout, order, step, rate, recipe, isMuons)
      await muon?.step(state, gradients, slotsOf(order), rate, {
        weightDecay: recipe.weightDecay,
        ema: emaAt(step, recipe.ema),
      })
    },
    async close() {
      await muon?.close()
    },
  }
}

/** The inverse of an order: layer → slot. */
function slotsOf(order: ArrayLike<number>): (layer: number) => number | undefined {
  const slots = new Map(Array.from(order, (layer, slot) => [layer, slot]))
  return (layer) => slots.get(layer)
}
