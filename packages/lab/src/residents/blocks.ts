import type { Hosted } from '../scenarios/hosted.ts'
import type { Session } from '../scenarios/population.ts'
import type { Settings } from '../scenarios/settings.ts'
import type { Resident } from './resident.ts'

/** The model in blocks of neighbouring layers, each as long as a provider's capacity; the last may be shorter. */
export function alignedBlocks(settings: Settings): number[][] {
  const layers = settings['model.layers']
  const capacity = Math.max(1, Math.min(settings['peers.capacity'], layers))
  const blocks: number[][] = []
  for (let first = 0; first < layers; first += capacity)
    blocks.push(Array.from({ length: Math.min(capacity, layers - first) }, (_, i) => first + i))
  return blocks
}

/** The block that fewest of those who are there were given; the first of equals. */
export function rarestBlock(
  blocks: readonly (readonly number[])[],
  residents: Iterable<Resident>,
): readonly number[] {
  const hosts = new Map(blocks.map((block) => [block, 0]))
  for (const { block, session, transport } of residents) {
    const count = block === undefined ? undefined : hosts.get(block)
    if (block === undefined || count === undefined || session.actor === 'sybil') continue
    if (transport.station.alive) hosts.set(block, count + 1)
  }
  return blocks.reduce((rarest, block) =>
    (hosts.get(block) ?? 0) < (hosts.get(rarest) ?? 0) ? block : rarest,
  )
}

/** Which layers a provider is given to host when it settles: its own, or a block; `auto` where it chooses. */
export function servedBy(
  { index, found }: Session,
  hosted: Hosted,
  blocks: readonly (readonly number[])[],
  residents: Iterable<Resident>,
): 'auto' | readonly number[] {
  const own = found ? hosted[index] : undefined
  if (own !== undefined) return own
  return blocks.length === 0 ? 'auto' : rarestBlock(blocks, residents)
}
