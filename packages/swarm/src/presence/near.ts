import { draw } from '../draw.ts'
import type { Neighbour, PeerId } from '../wire/messages.ts'
import { WAY_NEWS_STEPS, WAY_STEPS_PER_DOUBLING, WAY_UNKNOWN } from './limits.ts'

/**
 * How a member says who is near it: 16 bits of each neighbour's draw, seven bits of the logarithm of the
 * round trip, and one bit "it has delivered to me". Two members of a lane of 24 share a tag once in 240
 * lanes; then one is taken for as near as the other.
 */

/** The 16 bits by which a peer is named. @param mark `draw(peer)`. */
export function tagOf(mark: number): number {
  return mark & 0xffff
}

/** A neighbour as it is announced. @param rttMs undefined while it is not measured. */
export function neighbourOf(
  peer: PeerId,
  rttMs: number | undefined,
  hasDelivered: boolean,
): Neighbour {
  return neighbourOfMark(draw(peer), rttMs, hasDelivered)
}

/** The same for those who keep marks. @param mark `draw(peer)`. */
export function neighbourOfMark(
  mark: number,
  rttMs: number | undefined,
  hasDelivered: boolean,
): Neighbour {
  const code =
    rttMs === undefined
      ? WAY_UNKNOWN
      : Math.min(WAY_UNKNOWN - 1, Math.round(WAY_STEPS_PER_DOUBLING * Math.log2(1 + rttMs)))
  return { tag: tagOf(mark), way: 2 * code + (hasDelivered ? 1 : 0) }
}

/** Whether how far a neighbour is differs so much from what was said of it before that it is to be said again. */
export function isNews(now: Neighbour, before: Neighbour | undefined): boolean {
  if (before === undefined || isVouched(now) !== isVouched(before)) return true
  const [code, said] = [now.way >> 1, before.way >> 1]
  if (code === said) return false
  return code === WAY_UNKNOWN || said === WAY_UNKNOWN || Math.abs(code - said) >= WAY_NEWS_STEPS
}

/** The announced round trip, milliseconds; undefined when its announcer does not know it. */
export function rttOf({ way }: Neighbour): number | undefined {
  const code = way >> 1
  return code === WAY_UNKNOWN ? undefined : 2 ** (code / WAY_STEPS_PER_DOUBLING) - 1
}

/** Whether its announcer has seen it deliver. */
export function isVouched({ way }: Neighbour): boolean {
  return (way & 1) === 1
}
