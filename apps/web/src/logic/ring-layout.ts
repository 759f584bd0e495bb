import { ONE_CIRCLE_PEERS_MAX, TWO_CIRCLES_DEPTH_RADII } from '../limits.ts'

/** A place in the swarm picture; units are those of the SVG view box. */
export interface Place {
  readonly id: string
  readonly x: number
  readonly y: number
}

/**
 * Places peers evenly on a circle around the origin, the first at the top, clockwise; a crowd stands
 * in turn outside and inside of it. Peers are sorted by id, so that a snapshot in another order does
 * not make them jump.
 */
export function ringLayout(ids: readonly string[], radius: number): Place[] {
  const depth = ids.length > ONE_CIRCLE_PEERS_MAX ? TWO_CIRCLES_DEPTH_RADII * radius : 0
  return ids.toSorted().map((id, index, { length }) => {
    const angle = (2 * Math.PI * index) / length - Math.PI / 2
    // The last of an odd number stands between two that stand outside.
    const isBetween = index % 2 === 0 && index === length - 1
    const distance = radius + (isBetween ? 0 : index % 2 === 0 ? depth : -depth)
    return { id, x: distance * Math.cos(angle), y: distance * Math.sin(angle) }
  })
}

/** Radius of the discs at the places of `ringLayout`: no two of them touch. */
export function discRadius(places: readonly Place[], largest: number): number {
  const near = places.flatMap((place, index) =>
    [1, 2].map((step) => distanceOf(place, places[(index + step) % places.length] ?? place)),
  )
  return Math.min(largest, ...near.filter((distance) => distance > 0).map((one) => 0.36 * one))
}

function distanceOf(a: Place, b: Place): number {
  return Math.hypot(a.x - b.x, a.y - b.y)
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
