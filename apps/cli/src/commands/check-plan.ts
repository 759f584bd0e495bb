import { checkOrder, keepsOrder, type Manifest, ModelError } from '@layerswarm/model'
import { isInOwnOrder } from '@layerswarm/swarm'
import { usageError } from '../cli-error.ts'

/** Whether a model can be asked like that. @throws CliError `bad-usage`. */
export function checkPlan(
  { name, spec }: Pick<Manifest, 'name' | 'spec'>,
  values: {
    readonly order: readonly number[] | undefined
    readonly 'min-layers': number
    readonly orders: number
  },
): void {
  try {
    checkOrder(values.order ?? [], spec)
  } catch (error) {
    throw error instanceof ModelError ? usageError(error.message) : error
  }
  if (keepsOrder(spec)) {
    const because = `${name} runs in its own order only`
    if (!isInOwnOrder(values.order ?? []))
      throw usageError(`${because}: --order may leave layers out, but not change places`)
    if (values.orders > 1) throw usageError(`${because}: there is no second one for --orders`)
  }
  const layers = values.order?.length ?? spec.layers
  if (values['min-layers'] > layers) {
    throw usageError(
      `--min-layers ${values['min-layers']} is more than the ${layers} layers there are`,
    )
  }
}
