import { draw } from '../draw.ts'
import type { PeerTable } from '../presence/peer-table.ts'
import { isProvider, type LaneCount } from '../wire/lane-count.ts'
import type { PeerId } from '../wire/messages.ts'
import {
  askersMove,
  entryLane,
  isCovered,
  isOverfull,
  type LaneSizes,
  laneSizes,
  mendLane,
  mergeLane,
} from './choice.ts'
import { askedLane, helpLane, isIdleLane } from './idle.ts'
import {
  ASKER_STAY_MS,
  BARREN_MS,
  HELP_STAY_MS,
  LANE_LACKS_MS,
  LANE_SETTLE_MS,
  LANE_STAY_MS,
  LANES_LOOK_MS,
  LANES_LOOK_SOON_MS,
  LOOK_SPREAD,
  MOVE_PATIENCE_MS,
} from './limits.ts'

/** What a keeper is told of its member once and for all. */
export interface LaneKeeperOptions {
  readonly self: PeerId
  /** The lane in which it begins. */
  readonly lane: number
  /** Providers of a full lane; 0: there is one lane of any size. */
  readonly laneProviders: number
}

/** What a member is doing, as far as its lane is concerned. */
export interface LaneSituation {
  /** It hosts layers, or is about to. */
  readonly serves: boolean
  /** The layers that it hosts now. */
  readonly hosted: ReadonlySet<number>
  /** Layers that it may host at most. */
  readonly capacity: number
  /** Layers of the model. */
  readonly layers: number
  /** It runs a layer, or has been asked to. */
  readonly isAtWork: boolean
  /** It waits for an answer of its own. */
  readonly isAsking: boolean
  /** And nobody in its lane takes that any further. */
  readonly isStarved: boolean
  /** Strangers have not let it down more often than not: among sybils those who are known are not to be spared. */
  readonly isTrusting: boolean
}

/** A move that was decided on, until there is no work in the way. */
interface Intention {
  readonly lane: number
  readonly sinceMs: number
}

const NEVER = Number.POSITIVE_INFINITY

/**
 * Which lane a member is in, and when it moves to another. It asks now and then how full the lanes are,
 * and decides by the answer:
 *
 * 1. Of an overfull lane those go whose draw ranks beyond its size, each to the place of its rank, so that
 *    all of them spread without a word; a member that ranks within never goes.
 * 2. A lane that has been small for LANE_SETTLE_MS goes to a lower one that has room, whole.
 * 3. A provider of an idle lane, one in which nobody asks and too few serve for an asker to come, goes at once
 *    where somebody asks, if there is room; one that is not small is left only whole.
 * 4. Of the lanes that lack nothing as many providers as are needed, on average, go to one that has lacked
 *    a layer for LANE_LACKS_MS, or, while strangers deliver,
 *    to an idle one that nobody can leave; nobody goes whose going uncovers a layer.
 * 5. An asker goes to where at least ASKER_GAIN_MIN times as many providers are per asker, from a lane that
 *    lacks a layer to one that does not, or from a crowd to where nobody asks; never while it waits for an answer.
 * 6. A member whom nobody in its lane answers asks at once how full the others are, goes to any that lacks
 *    nothing, and does not come back for BARREN_MS: a lane may be full of those who only claim to serve.
 * 7. Nobody leaves a lane within a while of entering it, except by 1 and 3 and an asker by 6: LANE_STAY_MS by 2,
 *    HELP_STAY_MS by 4 and ASKER_STAY_MS by 5 and 6.
 * 8. A provider goes when it has no work in hand, or MOVE_PATIENCE_MS after it wanted to.
 */
export class LaneKeeper {
  private readonly options: LaneKeeperOptions
  private readonly table: PeerTable
  private readonly sizes: LaneSizes
  private current: number
  private enteredAtMs: number
  private lookAtMs: number
  private lookedAtMs = Number.NEGATIVE_INFINITY
  private looks = 0
  private isSoon = false
  private intention: Intention | undefined
  private smallSinceMs: number | undefined
  private countedAtMs = 0
  /** Lanes that lack a layer, since when. */
  private readonly lackingSinceMs = new Map<number, number>()
  /** Lanes in which nobody answered it, until when they are not entered. */
  private readonly barrenUntilMs = new Map<number, number>()

  constructor(options: LaneKeeperOptions, table: PeerTable, nowMs: number) {
    this.options = options
    this.table = table
    this.sizes = laneSizes(options.laneProviders)
    this.current = options.lane
    this.enteredAtMs = nowMs
    this.lookAtMs = this.isOne ? NEVER : nowMs + LANES_LOOK_SOON_MS
  }

  /** The lane that it is in. */
  get lane(): number {
    return this.current
  }

  /** Whether it has decided to move, and `isDue` is worth asking. */
  get wantsToMove(): boolean {
    return this.intention !== undefined
  }

  /** When `look` or `isDue` is to be asked next, milliseconds. */
  wakeAtMs(): number {
    return Math.min(
      this.lookAtMs,
      this.intention === undefined ? NEVER : this.intention.sinceMs + MOVE_PATIENCE_MS,
    )
  }

  /**
   * Whether it is time to ask how full the lanes are; the next time is set if so.
   * @param isStarved nobody in its lane answers it: it asks out of its turn.
   */
  look(nowMs: number, isStarved: boolean): boolean {
    const isUrgent = isStarved && nowMs >= this.lookedAtMs + LANES_LOOK_SOON_MS
    if (nowMs < this.lookAtMs && !(isUrgent && !this.isOne)) return false
    this.isSoon = false
    this.lookedAtMs = nowMs
    const spread = 1 + LOOK_SPREAD * (2 * this.drawn('look', this.looks++) - 1)
    this.lookAtMs = nowMs + LANES_LOOK_MS * spread
    return true
  }

  /** Somebody joined: an overfull lane is looked at soon. */
  joined(serves: boolean, nowMs: number): void {
    if (this.isOne || this.isSoon || this.table.size < this.sizes.full) return
    if (this.providers(serves) <= this.sizes.full) return
    this.looksSoon(nowMs)
  }

  /** How full the lanes are, as of now; undefined when nobody could say: then it stays. */
  counted(counts: readonly LaneCount[] | undefined, now: LaneSituation, nowMs: number): void {
    if (this.isOne || counts === undefined) return
    this.intention = undefined
    this.noteLacking(counts, nowMs)
    const lane = this.wanted(counts, now, nowMs)
    if (lane !== undefined && lane !== this.current) this.intention = { lane, sinceMs: nowMs }
  }

  /** Whether it is to `move` now. */
  isDue({ serves, isAtWork, isAsking, isStarved }: LaneSituation, nowMs: number): boolean {
    if (this.intention === undefined) return false
    // What an asker leads is the very request that nobody answers.
    if (!serves && isStarved) return true
    const { sinceMs } = this.intention
    const isPatient = !serves || nowMs < sinceMs + MOVE_PATIENCE_MS
    if (isPatient && (isAtWork || isAsking)) {
      // An asker decides anew with the next count.
      if (!serves && nowMs >= sinceMs + MOVE_PATIENCE_MS) this.intention = undefined
      return false
    }
    return true
  }

  /** It enters the lane that it wanted to. @returns which. */
  move(nowMs: number): number {
    const lane = this.intention?.lane ?? this.current
    this.intention = undefined
    this.current = lane
    this.enteredAtMs = nowMs
    this.smallSinceMs = undefined
    this.lackingSinceMs.clear()
    this.isSoon = true
    this.lookAtMs = nowMs + LANES_LOOK_SOON_MS
    return lane
  }

  private looksSoon(nowMs: number): void {
    this.isSoon = true
    this.lookAtMs = Math.min(this.lookAtMs, nowMs + LANES_LOOK_SOON_MS)
  }

  private get isOne(): boolean {
    return this.sizes.full === NEVER
  }

  private wanted(
    counts: readonly LaneCount[],
    now: LaneSituation,
    nowMs: number,
  ): number | undefined {
    const stayedMs = nowMs - this.enteredAtMs
    const mayGo = stayedMs >= ASKER_STAY_MS || (now.isStarved && !now.serves)
    const wish = mayGo ? this.asking(counts, now, nowMs) : undefined
    if (!now.serves || wish !== undefined) return wish
    const surplus = this.surplus(counts)
    if (surplus !== undefined) return entryLane(counts, true, this.sizes, surplus)
    const providers = this.providers(true)
    if (isIdleLane(counts, this.current, this.sizes)) {
      if (providers < this.sizes.small) this.looksSoon(nowMs)
      const asked = askedLane(counts, this.current, this.rank(), this.sizes)
      if (asked !== undefined) return asked
    }
    const merged = this.merger(counts, providers, nowMs)
    if (merged !== undefined && stayedMs >= LANE_STAY_MS) return merged
    return stayedMs >= HELP_STAY_MS ? this.mending(counts, now) : undefined
  }

  /**
   * The number of this member among those that an overfull lane has too many of; undefined when it stays.
   * All rank one another by their draws. Who hears of a part of the lane alone is as far up in the whole as in
   * that part; and when fewer are counted than are known, others of those who go are already on their way.
   */
  private surplus(counts: readonly LaneCount[]): number | undefined {
    const { full } = this.sizes
    const counted = counts.find(({ lane }) => lane === this.current)?.providers ?? 0
    const known = this.providers(true)
    if (!isOverfull(counts, this.current, this.sizes)) return undefined
    const rank = this.rank()
    const place = counted > known ? Math.floor((rank * counted) / known) : rank
    if (place < full) return undefined
    const stillHere = counted < known ? (counted - full) / (known - full) : 1
    return Math.floor((place - full) * stillHere)
  }

  /** How many providers of its lane have a lower draw. */
  private rank(): number {
    const mark = draw(this.options.self, this.current)
    let rank = 0
    for (const { peer, presence } of this.table.all())
      if (isProvider(presence) && draw(peer, this.current) < mark) rank++
    return rank
  }

  private merger(
    counts: readonly LaneCount[],
    providers: number,
    nowMs: number,
  ): number | undefined {
    const lane = mergeLane(counts, this.current, providers, this.sizes)
    if (lane === undefined) this.smallSinceMs = undefined
    else this.smallSinceMs ??= nowMs
    const hasSettled = nowMs - (this.smallSinceMs ?? nowMs) >= LANE_SETTLE_MS
    return hasSettled ? lane : undefined
  }

  private mending(
    counts: readonly LaneCount[],
    { hosted, capacity, layers, isTrusting }: LaneSituation,
  ): number | undefined {
    const lacking = new Set<number>()
    for (const [lane, sinceMs] of this.lackingSinceMs)
      if (this.countedAtMs - sinceMs >= LANE_LACKS_MS) lacking.add(lane)
    const mend =
      mendLane(counts, lacking, this.current, capacity, this.sizes) ??
      (isTrusting ? helpLane(counts, this.current, this.sizes) : undefined)
    if (mend === undefined || this.drawn('mend', this.looks) >= mend.share) return undefined
    const others = this.table.coverage(layers)
    return [...hosted].every((layer) => (others[layer] ?? 0) > 0) ? mend.lane : undefined
  }

  /** Where its own requests take it. */
  private asking(
    counts: readonly LaneCount[],
    { serves, isStarved }: LaneSituation,
    nowMs: number,
  ): number | undefined {
    if (isStarved) this.barrenUntilMs.set(this.current, nowMs + BARREN_MS)
    else if (serves) return undefined
    return this.askersWish(this.fertile(counts, nowMs))
  }

  private askersWish(counts: readonly LaneCount[]): number | undefined {
    const move = askersMove(counts, this.current, this.sizes)
    if (move === undefined || this.drawn('go', this.looks) >= move.share) return undefined
    const total = move.lanes.reduce((sum, { weight }) => sum + weight, 0)
    let left = this.drawn('where', this.looks) * total
    for (const { lane, weight } of move.lanes) {
      left -= weight
      if (left <= 0) return lane
    }
    return move.lanes.at(-1)?.lane
  }

  /** Without the lanes in which nobody answered it lately; where it has tried all of them, the others anew. */
  private fertile(counts: readonly LaneCount[], nowMs: number): readonly LaneCount[] {
    const isBarren = ({ lane }: LaneCount) => nowMs < (this.barrenUntilMs.get(lane) ?? 0)
    const fertile = counts.filter((count) => !isBarren(count))
    if (fertile.some(isCovered)) return fertile
    this.barrenUntilMs.clear()
    return counts.filter(({ lane }) => lane !== this.current)
  }

  private noteLacking(counts: readonly LaneCount[], nowMs: number): void {
    this.countedAtMs = nowMs
    const lacking = new Set(counts.filter((count) => count.lacking > 0).map((count) => count.lane))
    for (const lane of this.lackingSinceMs.keys())
      if (!lacking.has(lane)) this.lackingSinceMs.delete(lane)
    for (const lane of lacking)
      if (!this.lackingSinceMs.has(lane)) this.lackingSinceMs.set(lane, nowMs)
  }

  /** Providers of the own lane that it knows of, itself included. */
  private providers(serves: boolean): number {
    let count = serves ? 1 : 0
    for (const { presence } of this.table.all()) if (isProvider(presence)) count++
    return count
  }

  /** From 0 to 1, another one for each member and look. */
  private drawn(what: string, round: number): number {
    return draw(this.options.self, what, round) / 2 ** 32
  }
}
