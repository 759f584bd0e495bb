import { checkOrder, type Manifest, ModelError } from '@layerswarm/model'
import { usageError } from '../cli-error.ts'

/** Whether a model can be asked like that. @throws CliError `bad-usage`. */
export function checkPlan(
  { spec, name }: Pick<Manifest, 'spec' | 'name'>,
  values: {
    readonly order: readonly number[] | undefined
    readonly 'min-layers': number
    readonly confirm: boolean
  },
): void {
  const keepsOrder = spec.variant === 'sequential' || spec.variant === 'layerdrop'
  if (values.confirm && keepsOrder) {
    throw usageError(
      `--confirm asks in a second order, and the release "${name}" (${spec.variant}) answers rightly in one only; leave it out`,
    )
  }
  try {
    checkOrder(values.order ?? [], spec)
  } catch (error) {
    throw error instanceof ModelError ? usageError(error.message) : error
  }
  const layers = values.order?.length ?? spec.layers
  if (values['min-layers'] > layers) {
    throw usageError(
      `--min-layers ${values['min-layers']} is more than the ${layers} layers there are`,
    )
  }
}
