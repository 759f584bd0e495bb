import { checkOrder, type Manifest, ModelError } from '@layerswarm/model'
import { usageError } from '../cli-error.ts'

/** Whether a model can be asked like that. @throws CliError `bad-usage`. */
export function checkPlan(
  { spec }: Pick<Manifest, 'spec'>,
  values: { readonly order: readonly number[] | undefined; readonly 'min-layers': number },
): void {
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
