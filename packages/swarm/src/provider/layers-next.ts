import { openLayers } from '../step.ts'
import type { Step } from '../wire/messages.ts'

/**
 * The layers that a host could run next in one visit: of a plan those that follow one another, otherwise all open
 * ones, in no order.
 */
export function layersNext(
  step: Step,
  layers: number,
  isHosted: (layer: number) => boolean,
): readonly number[] {
  if (step.plan.length === 0)
    return openLayers(step, layers).flatMap((isOpen, layer) =>
      isOpen && isHosted(layer) ? [layer] : [],
    )
  const planned = step.plan.slice(step.route.length)
  const end = planned.findIndex((layer) => !isHosted(layer))
  return end < 0 ? planned : planned.slice(0, end)
}
