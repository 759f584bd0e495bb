import { checkOrder, keepsOrder, type Manifest, ModelError } from '@layerswarm/model'
import { isInOwnOrder } from '@layerswarm/swarm'
import { usageError } from '../cli-error.ts'

interface Asked {
  readonly order: readonly number[] | undefined
  readonly 'min-layers': number
  readonly orders: number
  readonly confirm: boolean
}

/** Whether a model can be asked like that. @throws CliError `bad-usage`. */
export function checkPlan({ name, spec }: Pick<Manifest, 'name' | 'spec'>, values: Asked): void {
  try {
    checkOrder(values.order ?? [], spec)
  } catch (error) {
    throw error instanceof ModelError ? usageError(error.message) : error
  }
  if (keepsOrder(spec)) checkKept(name, values)
  const layers = values.order?.length ?? spec.layers
  if (values['min-layers'] > layers) {
    throw usageError(
      `--min-layers ${values['min-layers']} is more than the ${layers} layers there are`,
    )
  }
}

/** Of a release that keeps its order. */
function checkKept(name: string, { order, orders, confirm }: Asked): void {
  const because = `${name} runs in its own order only`
  if (!isInOwnOrder(order ?? []))
    throw usageError(`${because}: --order may leave layers out, but not change places`)
  if (orders === 1 && !confirm) return
  const flag = confirm ? '--confirm' : '--orders'
  throw usageError(`${because}: there is no second one for ${flag}, leave it out`)
}
