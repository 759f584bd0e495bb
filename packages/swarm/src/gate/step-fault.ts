import { activationBytes } from '@layerswarm/model'
import { chainFault } from '../chain/signers.ts'
import { BATCH_MAX } from '../limits.ts'
import { isInOwnOrder, type ModelShape } from '../step.ts'
import type { Activation, PeerId, RoundTensor, Step } from '../wire/messages.ts'

/**
 * Says in one line what makes a step impossible, or undefined. By the step alone, so that every
 * member comes to the same answer.
 * @param author who signed the message.
 */
export function stepFault(step: Step, author: PeerId, shape: ModelShape): string | undefined {
  const { route, plan, activation } = step
  const unsaid = chainFault(step, author)
  if (unsaid !== undefined) return unsaid
  if (route.length > shape.layers || plan.length > shape.layers)
    return 'more hops than the model has layers'
  const applied = new Set<number>()
  for (const { layer } of route) {
    if (layer >= shape.layers) return `layer ${layer} does not exist`
    if (applied.has(layer)) return `layer ${layer} was applied twice`
    applied.add(layer)
  }
  if (new Set(plan).size !== plan.length) return 'a planned layer stands twice'
  if (plan.some((layer) => layer >= shape.layers)) return 'a planned layer does not exist'
  if (plan.length > 0 && route.some(({ layer }, hop) => layer !== plan[hop]))
    return 'the route leaves its plan'
  if (shape.keepsOrder === true && !(plan.length > 0 && isInOwnOrder(plan)))
    return 'not in the order that this release keeps'
  return tensorFault(activation, shape)
}

/** Why no tensor between two layers of this model looks like this, or undefined. */
export function tensorFault(
  activation: Activation | RoundTensor,
  shape: ModelShape,
): string | undefined {
  const { dtype, batch, tokens, width } = activation
  if (batch < 1 || batch > BATCH_MAX) return `a batch of ${batch} images`
  if (tokens !== shape.tokens || width !== shape.width) return 'an activation of the wrong shape'
  const size = activation.place === 'inline' ? activation.bytes.length : activation.size
  if (size !== activationBytes(dtype, [batch, tokens, width]))
    return 'an activation of the wrong size'
  return undefined
}
