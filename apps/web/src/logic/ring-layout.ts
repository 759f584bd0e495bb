/** A place in the swarm picture; units are those of the SVG view box. */
export interface Place {
  readonly id: string
  readonly x: number
  readonly y: number
}

/**
 * Places peers evenly on a circle around the origin, the first at the top, clockwise. Peers are
 * sorted by id, so that a snapshot in another order does not make them jump.
 */
export function ringLayout(ids: readonly string[], radius: number): Place[] {
  return ids.toSorted().map((id, index, all) => {
    const angle = (2 * Math.PI * index) / all.length - Math.PI / 2
    return { id, x: radius * Math.cos(angle), y: radius * Math.sin(angle) }
  })
}

/** Radius of a peer's disc when `count` of them share a circle: neighbours never touch. */
export function discRadius(count: number, ringRadius: number, largest: number): number {
  if (count < 2) return largest
  return Math.min(largest, 0.36 * 2 * ringRadius * Math.sin(Math.PI / count))
}

/**
 * The SVG path of segment `index` of a ring that is divided into `count` segments, around the
 * origin, clockwise from the top, with a gap of `gap` radians between neighbours.
 */
export function arcPath(index: number, count: number, radius: number, gap: number): string {
  if (count === 1) {
    // One arc cannot close a circle: its ends would coincide. Two halves can.
    return `M 0 ${-radius} A ${radius} ${radius} 0 0 1 0 ${radius} A ${radius} ${radius} 0 0 1 0 ${-radius}`
  }
  const turn = (2 * Math.PI) / count
  const start = index * turn - Math.PI / 2 + gap / 2
  const end = start + turn - gap
  const point = (angle: number) =>
    `${(radius * Math.cos(angle)).toFixed(2)} ${(radius * Math.sin(angle)).toFixed(2)}`
  return `M ${point(start)} A ${radius} ${radius} 0 ${turn - gap > Math.PI ? 1 : 0} 1 ${point(end)}`
}
