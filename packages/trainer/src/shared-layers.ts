import type { ParameterLayout } from './parameters.ts'

/**
 * Gives every layer from `distinct` on the weights of the layer that it shares them with, layer i
 * those of layer i mod `distinct`. A release then names one file for all that share it.
 * @param values flat, as `layout` says; changed in place.
 */
export function copySharedLayers(
  { parts }: ParameterLayout,
  values: Float32Array,
  distinct: number,
): void {
  const byPart = new Map(parts.map(({ part, tensors }) => [part, tensors]))
  for (const { part, tensors } of parts) {
    if (typeof part !== 'number' || part < distinct) continue
    const owners = byPart.get(part % distinct) ?? tensors
    tensors.forEach(({ offset }, index) => {
      const from = owners[index]
      if (from !== undefined) values.copyWithin(offset, from.offset, from.offset + from.elements)
    })
  }
}
