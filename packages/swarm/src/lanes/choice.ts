import { LANE_PROVIDERS, LANES_MAX } from '../limits.ts'
import type { LaneCount } from '../wire/lane-count.ts'
import {
  ASKER_GAIN_MIN,
  ASKER_HASTE,
  ENOUGH_LANE_PART,
  MERGED_LANE_PART,
  SMALL_LANE_PART,
  STRETCH_PART,
} from './limits.ts'

/**
 * Which lane a member belongs in, by how full the lanes are. Pure functions, so that peers and the lab
 * choose alike.
 */

/** How large lanes are to be, in providers. */
export interface LaneSizes {
  /** A provider goes to a lane that has fewer, if there is one. */
  readonly full: number
  /** One in which somebody asks is stretched to so many before the next is opened. */
  readonly most: number
  /** An asker goes to where nobody asks when so many serve there: they hardly lack a layer when a few leave. */
  readonly enough: number
  /** A lane with fewer is merged into another one, if there is room. */
  readonly small: number
  /** Most that a lane has after a merger. */
  readonly merged: number
}

/** The sizes that follow from how many providers a full lane has; 0: there is one lane of any size. */
export function laneSizes(full: number = LANE_PROVIDERS): LaneSizes {
  if (full <= 0) {
    const endless = Number.POSITIVE_INFINITY
    return { full: endless, most: endless, enough: 0, small: 0, merged: 0 }
  }
  return {
    full,
    most: full + Math.floor(full * STRETCH_PART),
    enough: Math.ceil(full * ENOUGH_LANE_PART),
    small: Math.floor(full * SMALL_LANE_PART),
    merged: Math.floor(full * MERGED_LANE_PART),
  }
}

/** Whether a lane can answer a request whole. */
export function isCovered({ lacking, providers }: LaneCount): boolean {
  return lacking === 0 && providers > 0
}

/** Providers for each asker, one more asker counted. */
function room({ providers, askers }: LaneCount): number {
  return providers / (askers + 1)
}

/**
 * The lane that a newcomer enters. A provider goes, of the lanes that have room, to one that lacks a layer, or
 * else to where most askers are per provider, and where nobody asks only when there is no other, to the one with
 * the fewest; when all are full it opens the lowest unused number. An asker goes to where most
 * providers are per asker, and to a lane that lacks a layer only when there is no other.
 * @param counts undefined when nobody could say: then it is lane 0.
 * @param turn how many others are on their way to a lane before this one, who are counted as if they were there.
 */
export function entryLane(
  counts: readonly LaneCount[] | undefined,
  serves: boolean,
  sizes: LaneSizes,
  turn = 0,
): number {
  if (counts === undefined || sizes.full === Number.POSITIVE_INFINITY) return 0
  return serves ? providersLane(counts, sizes, turn) : askersLane(counts)
}

function askersLane(counts: readonly LaneCount[]): number {
  const served = counts.filter(({ providers }) => providers > 0)
  const best = (lanes: readonly LaneCount[]) =>
    lanes.reduce<LaneCount | undefined>(
      (top, lane) => (top === undefined || room(lane) > room(top) ? lane : top),
      undefined,
    )
  return (best(served.filter(isCovered)) ?? best(served))?.lane ?? 0
}

/** The lane of a provider; see `entryLane`. @param turn as there. */
export function providersLane(
  counts: readonly LaneCount[],
  { full, most }: LaneSizes,
  turn: number,
): number {
  const lanes = counts
    .filter(({ providers, askers }) => providers + askers > 0)
    .map(({ lane, providers, askers, lacking }) => ({
      lane,
      providers,
      askers,
      lacks: lacking > 0,
    }))
  const used = new Set(lanes.map(({ lane }) => lane))
  let entered = 0
  for (let i = 0; i <= turn; i++) {
    const open = lanes.filter(({ providers }) => providers < full)
    const asked = open.filter(({ askers }) => askers > 0)
    const wanting = asked.length > 0 ? asked : open
    const lacking = wanting.filter(({ lacks }) => lacks)
    let least =
      fewest(lacking.length > 0 ? lacking : wanting) ??
      fewest(lanes.filter(({ askers, providers }) => askers > 0 && providers < most))
    if (least === undefined) {
      const lane = lowestUnused(used)
      // All numbers are taken: the lanes grow beyond what they should.
      if (lane === undefined) return fewest(lanes)?.lane ?? 0
      least = { lane, providers: 0, askers: 0, lacks: false }
      lanes.push(least)
      used.add(lane)
    }
    least.providers++
    entered = least.lane
  }
  return entered
}

function fewest<L extends { readonly lane: number; readonly providers: number }>(
  lanes: readonly L[],
): L | undefined {
  return lanes.reduce<L | undefined>((least, lane) => {
    if (least === undefined || lane.providers < least.providers) return lane
    return lane.providers === least.providers && lane.lane < least.lane ? lane : least
  }, undefined)
}

function lowestUnused(used: ReadonlySet<number>): number | undefined {
  for (let lane = 0; lane < LANES_MAX; lane++) if (!used.has(lane)) return lane
  return undefined
}

/** The lower lane into which a small one goes whole; undefined while there is none with room. */
export function mergeLane(
  counts: readonly LaneCount[],
  lane: number,
  providers: number,
  sizes: LaneSizes,
): number | undefined {
  if (providers >= sizes.small) return undefined
  const rooms = counts.filter(
    (other) =>
      other.lane < lane && other.providers > 0 && other.providers + providers <= sizes.merged,
  )
  return rooms.reduce<number | undefined>(
    (lowest, other) => (lowest === undefined || other.lane < lowest ? other.lane : lowest),
    undefined,
  )
}

/** A lane to help, and what part of those who may go there should. */
export interface Mend {
  readonly lane: number
  /** From 0 to 1. */
  readonly share: number
}

/** Whether some of a lane are to go: there is room elsewhere, or nobody asks here, or it is stretched too far. */
export function isOverfull(
  counts: readonly LaneCount[],
  own: number,
  { full, most, small }: LaneSizes,
): boolean {
  const here = counts.find(({ lane }) => lane === own)
  if (here === undefined || here.providers <= full) return false
  // A small lane in which nobody asks is left, not entered.
  const hasRoom = counts.some(
    ({ askers, providers }) => providers < full && (askers > 0 || providers >= small),
  )
  return hasRoom || here.askers === 0 || here.providers > most
}

/**
 * The lane that a provider of a larger lane may be needed in, the lowest of several; undefined for none.
 * @param lacking lanes that have lacked a layer for a while.
 * @param capacity layers that a provider hosts.
 */
export function mendLane(
  counts: readonly LaneCount[],
  lacking: ReadonlySet<number>,
  own: number,
  capacity: number,
  sizes: LaneSizes,
): Mend | undefined {
  const large = (count: LaneCount) => count.providers > sizes.small && count.lacking === 0
  const helpers = counts.filter(large).reduce((sum, { providers }) => sum + providers, 0)
  if (!counts.some((count) => count.lane === own && large(count))) return undefined
  for (const count of counts) {
    const { lane, providers } = count
    if (lane === own || !lacking.has(lane) || count.lacking === 0) continue
    // Nobody serves there, or what is there is about to merge.
    if (providers === 0 || providers >= sizes.full) continue
    if (mergeLane(counts, lane, providers, sizes) !== undefined) continue
    const needed = Math.ceil(count.lacking / Math.max(1, capacity))
    return { lane, share: Math.min(1, needed / helpers) }
  }
  return undefined
}

/** Where an asker may go, and what part of those in its lane should. */
export interface AskerMove {
  /** Each with a weight: the askers that it has room for. */
  readonly lanes: readonly { readonly lane: number; readonly weight: number }[]
  /** From 0 to 1. */
  readonly share: number
}

/**
 * Where askers find more providers than in their own lane, or enough that nobody asks; undefined when it is
 * not worth a move. Only as many are to go as even the lanes out: all of them would only bring the crowd along.
 */
export function askersMove(
  counts: readonly LaneCount[],
  own: number,
  sizes: LaneSizes,
): AskerMove | undefined {
  const covered = counts.filter(isCovered)
  const others = covered.filter(({ lane }) => lane !== own)
  const here = counts.find(({ lane }) => lane === own)
  if (others.length === 0) return undefined
  if (here === undefined || !isCovered(here))
    return { lanes: others.map((one) => ({ lane: one.lane, weight: room(one) })), share: 1 }
  const perAsker = here.providers / Math.max(1, here.askers)
  // Whoever serves where nobody asks does so for nothing: it is asked by one of a crowd, not by who is alone.
  const isIdle = ({ askers, providers }: LaneCount) => askers === 0 && providers >= sizes.enough
  const isBetter = (one: LaneCount) =>
    room(one) >= ASKER_GAIN_MIN * perAsker || (isIdle(one) && here.askers > 1)
  const better = others.filter(isBetter)
  if (better.length === 0) return undefined
  const askers = covered.reduce((sum, one) => sum + one.askers, 0)
  const providers = covered.reduce((sum, one) => sum + one.providers, 0)
  const fair = (one: LaneCount) => (askers * one.providers) / providers
  const surplus = Math.max(0, 1 - fair(here) / Math.max(1, here.askers))
  // Of all that may, so many go to each lane where nobody asks within the time between two looks of theirs: the first counts.
  const crowd = covered.reduce((sum, one) => sum + (one.askers > 1 ? one.askers : 0), 0)
  const share = Math.max(surplus, (ASKER_HASTE * better.filter(isIdle).length) / Math.max(1, crowd))
  const lanes = better.map((one) => ({
    lane: one.lane,
    weight: Math.max(fair(one) - one.askers, room(one) / 1_000),
  }))
  return { lanes, share: Math.min(1, share) }
}
