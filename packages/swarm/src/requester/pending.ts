import { withOwnLink } from '../chain/own-link.ts'
import { draw } from '../draw.ts'
import type { Opening } from '../handed-on.ts'
import { BARRED_MAX, ERAS_MAX } from '../limits.ts'
import { tagOf } from '../presence/near.ts'
import type { ClassifyPolicy } from '../request.ts'
import { isHolder, sameStep } from '../step.ts'
import type { Activation, PeerId, RequestId, Step } from '../wire/messages.ts'
import { NAMED_MAX, RESCUES_MAX, SILENT_NAMED_MAX } from './limits.ts'
import { Patience } from './patience.ts'

/** Why no further hop is waited for. */
export type Closing = 'complete' | 'confident' | 'uncovered' | 'deadline'

/** What of a request ran in rounds, before it went on as a tour. */
export interface Begun {
  /** Layers of each round. */
  readonly rounds: readonly number[]
  /** The stem's output, as others have it from here. */
  readonly origin: Activation
}

/** What a request on its way must know of its member. */
export interface PendingNeeds {
  /** What the scores of a step take at most, milliseconds. */
  readonly scoringMs: (step: Step) => number
  /** The tags of those who are to have no part in it. */
  readonly barred: (nowMs: number) => readonly number[]
}

/**
 * A request on its way, as its requester sees it: the step where it stands. How long it is waited for there,
 * its patience knows, which hears of every step.
 *
 * 1. Its newest step is replaced by one that supersedes it, or by an older one in a new era.
 * 2. The trail holds the known steps on whose route the newest goes on, oldest first.
 * 3. Once it is closing no further step is taken over, unless it is its time that is up: then the last one that
 *    can be scored is the answer.
 */
export class Pending {
  readonly policy: ClassifyPolicy
  readonly startedMs: number
  /** How long it is waited for at the newest step. */
  readonly patience: Patience
  /** Those who were told that others are ahead of them. */
  readonly strays = new Set<PeerId>()
  /** Those who were to go on and said nothing, as far as is known; the latest. */
  readonly silent = new Set<PeerId>()
  /** Who has said that it is at work where the request stands. */
  atWork: PeerId | undefined
  /** What the engine said when the head failed last. */
  headFailure: string | undefined
  /** Its time is short: each step is scored as it comes. */
  isHurried = false
  /** When its last tensor, which could not be had, is asked for again, milliseconds; Infinity unless it is to be. */
  scoresAgainAtMs = Number.POSITIVE_INFINITY
  /** Its scores are here, and wait for audits. */
  isHeld = false
  /** Tensors of this member's own that are offered for it until it ends. */
  readonly owned: readonly Activation[]
  private step: Step
  private first: Step
  private readonly begun: Begun | undefined
  /** The steps that led to the newest, oldest first. */
  private readonly trail: Step[] = []
  /** How often in a row nothing moved. */
  private offersAgain = 0
  private closes: Closing | undefined
  /** Of the steps that it went back from, the one with most layers, if that is an answer. */
  private furthest: Step | undefined
  private wasLeft = false
  private cameMs: number
  private readonly avoided = new Set<number>()
  /** Whom its author had named for a step and no longer does. */
  private formerly: { readonly of: Step; readonly named: readonly PeerId[] }
  private readonly barred: PendingNeeds['barred']

  /**
   * @param stem the first step, as it is published now.
   * @param opening what was asked, and when.
   * @param needs what its member knows.
   * @param begun what of it ran in rounds; undefined for none.
   */
  constructor(
    stem: Step,
    { policy, startedMs }: Opening,
    { scoringMs, barred }: PendingNeeds,
    nowMs: number,
    begun?: Begun,
  ) {
    this.first = stem
    this.begun = begun
    const activations = new Set([stem.activation, begun?.origin ?? stem.activation])
    this.owned = [...activations].filter((one) => isHolder(stem.requester, { activation: one }))
    this.policy = policy
    this.startedMs = startedMs
    this.step = stem
    this.formerly = { of: stem, named: [] }
    this.cameMs = nowMs
    this.barred = barred
    const isEnough = (one: Step) => this.isEnough(one)
    this.patience = new Patience(this.deadlineMs, { scoringMs, isEnough }, nowMs)
  }

  get request(): RequestId {
    return this.first.request
  }

  /** The first step, as it is asked for now. */
  get stem(): Step {
    return this.first
  }

  get deadlineMs(): number {
    return this.startedMs + this.policy.deadlineMs
  }

  get newest(): Step {
    return this.step
  }

  /** When it last came to a later step, or began anew, milliseconds. */
  get standsSinceMs(): number {
    return this.cameMs
  }

  /** The request was left to whoever answers first at some step, so the whole lane may follow it. */
  get isPublic(): boolean {
    return this.wasLeft
  }

  get closing(): Closing | undefined {
    return this.closes
  }

  /** Whether further steps count: they do while it waits for them, and while its time is up they may yet be scored. */
  get takesSteps(): boolean {
    return this.closes === undefined || this.closes === 'deadline'
  }

  /** Whether nobody is named for its next planned layer, which is not hosted here. @param hosted layers that are. */
  isLeftTo(hosted: ReadonlySet<number>): boolean {
    const { next, plan, route } = this.step
    const layer = plan[route.length]
    return next === undefined && layer !== undefined && !hosted.has(layer)
  }

  /** The fewest layers that an answer may have. */
  get leastHops(): number {
    return Math.max(1, this.policy.minLayers)
  }

  /** The newest step as it is published now. */
  message(nowMs: number): Step {
    const barred = [...this.barred(nowMs), ...this.avoided].slice(-BARRED_MAX)
    const step = { ...this.step, barred, remainingMs: this.deadlineMs - nowMs }
    return withOwnLink(step, this.stem.requester)
  }

  /** How many layers of a route ran at once, round by round; empty for one after another. */
  roundsOf(route: Step['route']): readonly number[] {
    const from = this.first.route.length
    if (this.begun === undefined || from === 0) return []
    return [...this.begun.rounds, ...route.slice(from).map(() => 1)]
  }

  /**
   * Goes on to a step that supersedes the newest.
   * @returns how long that took, milliseconds; undefined where it had to be asked for twice or came
   * with another, which says nothing of the lane's usual pace.
   */
  advance(step: Step, nowMs: number): number | undefined {
    if (step.next === undefined) this.wasLeft = true
    this.atWork = undefined
    this.notSilent(step)
    const tookMs = this.patience.advanced(step, nowMs)
    const isUsual = this.offersAgain === 0 && tookMs > 0
    this.trail.push(this.step)
    while (this.trail.length > 0 && !isPrefix(this.trail.at(-1) as Step, step)) this.trail.pop()
    this.step = step
    this.cameMs = nowMs
    this.offersAgain = 0
    return isUsual ? tookMs : undefined
  }

  /** The newest step is said again, for somebody else or for whoever answers first. */
  rename({ next, silent }: Step, nowMs: number): void {
    this.wasSilent(...silent)
    const former = this.step.next
    if (next === former) return
    if (next === undefined) this.wasLeft = true
    this.atWork = undefined
    if (former !== undefined) {
      const named = [...this.namedFor(), former].slice(-NAMED_MAX)
      this.formerly = { of: this.step, named }
    }
    this.step = { ...this.step, next }
    this.patience.renamed(nowMs)
  }

  /** Whether the author of the newest step has named this peer for it, now or before. */
  hasNamed(peer: PeerId): boolean {
    return this.step.next === peer || this.namedFor().includes(peer)
  }

  private namedFor(): readonly PeerId[] {
    const { of, named } = this.formerly
    return sameStep(of, this.step) ? named : []
  }

  /**
   * Nothing moves: goes back to the step before, in a new era, and opens again. Where others had gone on from
   * the newest step it is their work that is lost, and its own author chooses again.
   * @returns whoever was to go on, as far as is known.
   */
  goBack(nowMs: number): PeerId | undefined {
    const isPassed = this.patience.isPassed(this.step)
    const suspect = isPassed ? undefined : (this.step.next ?? this.step.route.at(-1)?.peer)
    if (suspect !== undefined) this.wasSilent(suspect)
    this.atWork = undefined
    const isLastResort = ++this.offersAgain > RESCUES_MAX
    // The first step has no author but this member: it is only said again, and ends nobody's work on it.
    const isFirst = this.step.route.length === 0 && this.offersAgain % RESCUES_MAX !== 0
    const era = Math.min(this.step.era + (isFirst ? 0 : 1), ERAS_MAX)
    this.noteFurthest()
    const before = isPassed ? this.step : (this.trail.pop() ?? this.stem)
    const from = isLastResort ? this.stem : before
    if (isLastResort) this.trail.length = 0
    this.patience.wentBack(nowMs)
    this.closes = undefined
    this.step = { ...from, era, next: undefined }
    return suspect
  }

  /** These are to have no part in it any more. */
  avoid(peers: readonly PeerId[]): void {
    for (const peer of peers) this.avoided.add(tagOf(draw(peer)))
  }

  /**
   * Somebody on its route lied: goes back to the last known step before that peer, in a new era.
   * @returns whether it had to.
   */
  goBackBefore(liar: PeerId, nowMs: number): boolean {
    const has = ({ route }: Step) => route.some(({ peer }) => peer === liar)
    if (this.furthest !== undefined && has(this.furthest)) this.furthest = undefined
    if (!has(this.step)) return false
    const era = Math.min(this.step.era + 1, ERAS_MAX)
    // What it had a part in before the tour cannot be taken out: then all of it is a tour.
    if (this.begun !== undefined && has(this.first))
      this.first = { ...this.first, route: [], activation: this.begun.origin }
    let before = this.trail.pop() ?? this.stem
    while (has(before)) before = this.trail.pop() ?? this.stem
    this.atWork = undefined
    this.isHeld = false
    this.patience.wentBack(nowMs)
    this.closes = undefined
    this.step = { ...before, era, next: undefined }
    return true
  }

  private noteFurthest(): void {
    const { length } = this.furthest?.route ?? []
    if (this.isEnough(this.step) && this.step.route.length >= length) this.furthest = this.step
  }

  /** Asking authors to choose again was not enough: from now on whoever answers first goes on. */
  get isDesperate(): boolean {
    return this.offersAgain > RESCUES_MAX
  }

  /**
   * Others may choose among other hosts now: it begins anew from the stem, in a new era.
   * @param plan what is asked for from now on: what was at first unless given.
   */
  startOver(nowMs: number, plan = this.policy.plan): void {
    this.noteFurthest()
    this.first = { ...this.first, plan }
    this.atWork = undefined
    this.offersAgain = 0
    this.cameMs = nowMs
    this.trail.length = 0
    this.patience.wentBack(nowMs)
    this.closes = undefined
    this.step = { ...this.stem, era: Math.min(this.step.era + 1, ERAS_MAX), next: undefined }
  }

  /** The newest step's tensor can be had in another place. */
  moveTensor(activation: Activation): void {
    this.step = { ...this.step, activation }
  }

  close(closing: Closing): void {
    this.closes = closing
  }

  /** What is answered is this step, not a newer one. */
  settleOn(step: Step): void {
    this.step = step
  }

  /** Whether an answer may be had from a step. */
  isEnough({ route }: Step): boolean {
    return route.length >= this.leastHops
  }

  /** The step before the newest. */
  get last(): Step | undefined {
    return this.trail.at(-1)
  }

  /** The step before the newest, if it has enough layers for an answer. */
  get before(): Step | undefined {
    const before = this.trail.at(-1)
    return before !== undefined && this.isEnough(before) ? before : undefined
  }

  /** Where the scores of the newest step do not come: the one before, or one that the request went back from. */
  get otherwise(): Step | undefined {
    return this.before ?? this.furthest
  }

  /** Answers without the last visit, if the step before has enough layers. @returns whether it has. */
  dropLast(): boolean {
    const { before } = this
    if (before === undefined) return false
    this.step = before
    this.trail.pop()
    return true
  }

  private wasSilent(...peers: readonly PeerId[]): void {
    for (const peer of peers) {
      this.silent.delete(peer)
      this.silent.add(peer)
      if (this.silent.size > SILENT_NAMED_MAX)
        this.silent.delete(this.silent.values().next().value as PeerId)
    }
  }

  /** Whoever has gone on was not silent. */
  private notSilent({ route, silent }: Step): void {
    this.wasSilent(...silent)
    for (const { peer } of route) this.silent.delete(peer)
  }
}

/** Whether `longer` goes on with the route of `step`. */
export function isPrefix({ route }: Step, longer: Step): boolean {
  return (
    route.length < longer.route.length &&
    route.every(({ layer, peer }, i) => {
      const other = longer.route[i]
      return layer === other?.layer && peer === other.peer
    })
  )
}
