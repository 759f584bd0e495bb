import type { LaneCount } from '../wire/lane-count.ts'
import { type LaneSizes, type Mend, mergeLane, providersLane } from './choice.ts'

/**
 * Lanes in which providers wait for nothing: nobody asks there, and too few serve for an asker to come. They
 * are left where there is room elsewhere, and filled up where there is none.
 */

/** Whether too few serve in a lane for an asker to come, and none is there though some are elsewhere. */
export function isIdleLane(counts: readonly LaneCount[], own: number, sizes: LaneSizes): boolean {
  const here = counts.find(({ lane }) => lane === own)
  if (here === undefined || here.askers > 0 || here.providers >= sizes.enough) return false
  return counts.some(({ askers }) => askers > 0)
}

/**
 * Where a provider of an idle lane goes because somebody asks there and there is room for it; undefined when
 * nowhere is. A lane that is not small is left whole or not at all.
 * @param turn how many others of the lane go before this one.
 */
export function askedLane(
  counts: readonly LaneCount[],
  own: number,
  turn: number,
  sizes: LaneSizes,
): number | undefined {
  const providers = counts.find(({ lane }) => lane === own)?.providers ?? 0
  const asked = counts.filter(({ lane, askers }) => lane !== own && askers > 0)
  const rooms = asked.reduce((sum, one) => sum + Math.max(0, sizes.most - one.providers), 0)
  if (rooms <= turn || (providers >= sizes.small && rooms < providers)) return undefined
  return providersLane(asked, sizes, turn)
}

/**
 * The idle lane that a provider of a larger one may be needed in, the lowest of several; undefined for none.
 * As many go as bring an asker there, while there are askers to spare, and nobody from where then too few are.
 */
export function helpLane(
  counts: readonly LaneCount[],
  own: number,
  sizes: LaneSizes,
): Mend | undefined {
  const larger = counts.filter((one) => one.providers > sizes.enough && one.lacking === 0)
  if (!larger.some(({ lane }) => lane === own)) return undefined
  if (!counts.some(({ askers }) => askers > 1)) return undefined
  const stuck = counts.find(
    ({ lane, providers }) =>
      providers > 0 &&
      isIdleLane(counts, lane, sizes) &&
      askedLane(counts, lane, 0, sizes) === undefined &&
      mergeLane(counts, lane, providers, sizes) === undefined,
  )
  if (stuck === undefined) return undefined
  const helpers = larger.reduce((sum, { providers }) => sum + providers, 0)
  return { lane: stuck.lane, share: Math.min(1, (sizes.enough - stuck.providers) / helpers) }
}
