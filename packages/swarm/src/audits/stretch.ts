import type { PeerId, Step } from '../wire/messages.ts'

/** Layers that came between two steps of a request, and who says that it has run them. */
export interface Stretch {
  readonly before: Step
  readonly after: Step
  /** One peer, or several in a row where the steps between them were not heard here. */
  readonly peers: readonly PeerId[]
  /** In the order in which they were run. */
  readonly layers: readonly number[]
}

/** What came between two steps of one route. */
export function stretchOf(before: Step, after: Step): Stretch {
  const hops = after.route.slice(before.route.length)
  return {
    before,
    after,
    peers: [...new Set(hops.map(({ peer }) => peer))],
    layers: hops.map(({ layer }) => layer),
  }
}
