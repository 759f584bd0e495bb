import { layersText } from './wording.ts'

/** How safe a layer is: nobody hosts it, one peer does, or several do. */
export type CoverageLevel = 'none' | 'one' | 'many'

/** How safe a layer is that so many peers host. */
export function coverageLevel(hosts: number): CoverageLevel {
  if (hosts <= 0) return 'none'
  return hosts === 1 ? 'one' : 'many'
}

/** What the coverage of all layers means, in one sentence. `hosts[layer]` counts the peers that host it. */
export function coverageText(hosts: readonly number[]): string {
  if (hosts.length === 0) return 'Shown as soon as the server of this swarm answers.'
  const lacking = hosts.flatMap((count, layer) => (count <= 0 ? [layer] : []))
  if (lacking.length === hosts.length) return 'No layer has a host yet.'
  if (lacking.length > 0) {
    return `${capitalised(layersText(lacking))} ${lacking.length === 1 ? 'has' : 'have'} no host: answers come without ${lacking.length === 1 ? 'it' : 'them'}.`
  }
  const single = hosts.filter((count) => count === 1).length
  if (single === 0) return 'Every layer has at least two hosts.'
  return `Every layer has a host; ${single} of ${hosts.length} ${single === 1 ? 'has' : 'have'} a single one.`
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
