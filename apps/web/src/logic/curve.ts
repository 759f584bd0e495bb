import { TRAIL_BEND_SHARE } from '../limits.ts'

/** A place in the picture, in units of its view box. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** Where the way between two places bends to. */
export function bendOf(from: Point, to: Point): Point {
  const dx = to.x - from.x
  const dy = to.y - from.y
  return {
    x: (from.x + to.x) / 2 - dy * TRAIL_BEND_SHARE,
    y: (from.y + to.y) / 2 + dx * TRAIL_BEND_SHARE,
  }
}

/** A point of the quadratic Bézier curve between two places; `part` from 0 to 1. */
export function along(from: Point, to: Point, part: number): Point {
  const bend = bendOf(from, to)
  const rest = 1 - part
  const at = (a: number, b: number, c: number) =>
    rest * rest * a + 2 * rest * part * b + part * part * c
  return { x: at(from.x, bend.x, to.x), y: at(from.y, bend.y, to.y) }
}

/** Slow at both ends; `part` from 0 to 1. */
export function eased(part: number): number {
  return part < 0.5 ? 2 * part * part : 1 - (-2 * part + 2) ** 2 / 2
}
