import type { Manifest } from '@layerswarm/model'

/** What there is to know of a release that keeps its order. */
export function orderLine({ name, spec }: Pick<Manifest, 'name' | 'spec'>): string {
  return `${name} runs in its own order, layer 0 to ${spec.layers - 1}: it was not trained for any other`
}
