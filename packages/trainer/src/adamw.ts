import type { Part } from '@layerswarm/model'
import type { ParameterLayout, ParameterTensor } from './parameters.ts'

/** Parameters and what AdamW and the moving average remember of them; flat, one layout. */
export interface OptimizerState {
  readonly parameters: Float32Array
  /** First and second moments of the gradients. */
  readonly m: Float32Array
  readonly v: Float32Array
  /** Exponential moving average of the parameters. */
  readonly ema: Float32Array
}

/**
 * What a step of AdamW depends on besides gradients and learning rate (Loshchilov and Hutter,
 * arXiv 1711.05101).
 */
export interface AdamwSettings {
  /** Decay of the second moments. */
  readonly beta2: number
  /** Share of a decaying parameter that is lost per step, times the learning rate. */
  readonly weightDecay: number
  /** Gradients are scaled down to this L2 norm. */
  readonly clip: number
  /** Decay of the moving average; 0 keeps no average. */
  readonly ema: number
}

const BETA1 = 0.9
const EPSILON = 1e-8

/**
 * The state before the first step: no moments yet, the average is a copy of the parameters.
 * @param parameters flat, as `layoutOf` says; they are changed in place by every step.
 */
export function createOptimizerState(parameters: Float32Array): OptimizerState {
  const { length } = parameters
  return {
    parameters,
    m: new Float32Array(length),
    v: new Float32Array(length),
    ema: parameters.slice(),
  }
}

/** L2 norm of the gradients of all parameters. */
export function gradientNorm(gradients: Float32Array): number {
  let sum = 0
  for (let i = 0; i < gradients.length; i++) {
    const g = gradients[i] as number
    sum += g * g
  }
  return Math.sqrt(sum)
}

/**
 * One step of AdamW (arXiv 1711.05101) in place.
 * @param order `order[slot]` is the layer that ran in that slot; gradients come by slot. A layer
 * that did not run stays as it is.
 * @param step counted from 1.
 * @param skips tells parameters that another optimizer updates.
 */
export function adamwStep(
  state: OptimizerState,
  gradients: Float32Array,
  layout: ParameterLayout,
  order: ArrayLike<number>,
  step: number,
  learningRate: number,
  settings: AdamwSettings,
  skips: (tensor: ParameterTensor, part: Part) => boolean = () => false,
): void {
  const scale = Math.min(1, settings.clip / (gradientNorm(gradients) || 1))
  const update: TensorUpdate = {
    scale,
    beta2: settings.beta2,
    correction1: 1 / (1 - BETA1 ** step),
    correction2: 1 / (1 - settings.beta2 ** step),
    learningRate,
    weightDecay: settings.weightDecay,
    ema: emaAt(step, settings.ema),
  }
  const byPart = new Map(layout.parts.map(({ part, tensors }) => [part, tensors]))
  for (const { part, tensors } of layout.parts) {
    if (typeof part === 'number' && part >= order.length) continue // a slot without a layer
    const owners = byPart.get(typeof part === 'number' ? (order[part] as number) : part) ?? tensors
    tensors.forEach((from, index) => {
      if (skips(from, part)) return
      updateTensor(state, gradients, from.offset, owners[index] ?? from, update)
    })
  }
}

/** Decay of the moving average in a step: a short memory at first, so that the random start is soon forgotten. */
export function emaAt(step: number, decay: number): number {
  return Math.min(decay, (1 + step) / (10 + step))
}

interface TensorUpdate {
  readonly scale: number
  readonly beta2: number
  readonly correction1: number
  readonly correction2: number
  readonly learningRate: number
  readonly weightDecay: number
  readonly ema: number
}

/** Updates one tensor from the gradient that starts at `from`. */
function updateTensor(
  { parameters, m, v, ema }: OptimizerState,
  gradients: Float32Array,
  from: number,
  { offset, elements, decays }: ParameterTensor,
  update: TensorUpdate,
): void {
  const { scale, beta2, correction1, correction2, learningRate } = update
  const keep = 1 - (decays ? update.weightDecay * learningRate : 0)
  for (let i = 0; i < elements; i++) {
    const at = offset + i
    const g = (gradients[from + i] as number) * scale
    const first = BETA1 * (m[at] as number) + (1 - BETA1) * g
    const second = beta2 * (v[at] as number) + (1 - beta2) * g * g
    const change = (first * correction1) / (Math.sqrt(second * correction2) + EPSILON)
    const value = (parameters[at] as number) * keep - learningRate * change
    m[at] = first
    v[at] = second
    parameters[at] = value
    ema[at] = update.ema * (ema[at] as number) + (1 - update.ema) * value
  }
}
