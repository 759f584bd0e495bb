import type { PeerId, Step } from '../wire/messages.ts'

/** Layers that came between two steps of a request, and who says that it has run them. */
export interface Stretch {
  readonly before: Step
  readonly after: Step
  /** One peer, or several in a row where it is not known what each of them has made. */
  readonly peers: readonly PeerId[]
  /** In the order in which they were run. */
  readonly layers: readonly number[]
}

/**
 * What came between two steps of one route, visit by visit: where the steps between them were not heard here, the
 * links of the later one name the tensor that each visit handed on, and whoever made it holds it.
 */
export function stretchesOf(before: Step, after: Step): Stretch[] {
  const stretches: Stretch[] = []
  let from = before
  for (const to of [...stepsBetween(before, after), after]) {
    stretches.push(stretchOf(from, to))
    from = to
  }
  return stretches
}

function stretchOf(before: Step, after: Step): Stretch {
  const hops = after.route.slice(before.route.length)
  return {
    before,
    after,
    peers: [...new Set(hops.map(({ peer }) => peer))],
    layers: hops.map(({ layer }) => layer),
  }
}

/** The steps that were not heard, as far as the chain of a later one says what they were; oldest first. */
function stepsBetween(before: Step, after: Step): Step[] {
  const { activation, chain, route } = after
  if (activation.place === 'inline') return []
  const steps: Step[] = []
  let at = before.route.length
  for (const { hop, tensor } of chain) {
    const holder = route[hop - 1]?.peer
    if (hop <= at || hop >= route.length || tensor === undefined || holder === undefined) continue
    at = hop
    steps.push({
      ...after,
      route: route.slice(0, hop),
      activation: { ...activation, hash: tensor, holder },
    })
  }
  return steps
}
