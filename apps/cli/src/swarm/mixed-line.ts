import type { Hop } from '@layerswarm/swarm'

/** Which layers were those of other releases than the one that was asked, a line for people; undefined where none was. */
export function mixedLine(hops: readonly Pick<Hop, 'layer' | 'weights'>[]): string | undefined {
  const layers = new Map<string, number[]>()
  for (const { layer, weights } of hops)
    if (weights !== undefined) layers.set(weights, [...(layers.get(weights) ?? []), layer])
  if (layers.size === 0) return undefined
  const each = [...layers].map(([weights, of]) => {
    const those = [...new Set(of)].toSorted((a, b) => a - b)
    return `${those.length === 1 ? 'layer' : 'layers'} ${those.join(', ')} of release ${weights.slice(0, 12)}`
  })
  return `mixed: ${each.join('; ')}`
}
