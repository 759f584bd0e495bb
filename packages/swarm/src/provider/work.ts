import type { Effect } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import type { PeerId, RequestId } from '../wire/messages.ts'
import { Duty } from './duty.ts'
import type { Flight } from './flight.ts'
import { Visit } from './visit.ts'

const NEVER = Number.POSITIVE_INFINITY

/** How much a provider takes in hand. */
export interface WorkOptions {
  /** Layer runs accepted at once. */
  readonly slots: number
  /** Share of the time that layer runs may take, above 0 and at most 1. */
  readonly timeShare: number
}

/**
 * What a provider has in hand.
 *
 * 1. A request has at most one visit here, which runs one layer at a time.
 * 2. There are never more than the slots allow, and with a share of the time below 1 never more than one.
 * 3. A job that was abandoned is unknown when it ends: its result is nobody's.
 */
export class Work {
  private readonly options: WorkOptions
  private readonly nextJob: () => JobId
  private readonly duty: Duty
  private readonly byRequest = new Map<RequestId, Visit>()
  private readonly byId = new Map<number, RequestId>()
  /** Shares of rounds: they take slots as visits do. */
  private errands = 0

  constructor(options: WorkOptions, nextJob: () => JobId) {
    this.options = options
    this.nextJob = nextJob
    this.duty = new Duty(options.timeShare)
  }

  /** Visits and errands in hand, the ones whose tensor is only on its way included. */
  get size(): number {
    return this.byRequest.size + this.errands
  }

  get freeSlots(): number {
    return Math.max(0, this.duty.slots(this.options.slots) - this.size)
  }

  get timeShare(): number {
    return this.duty.share
  }

  set timeShare(share: number) {
    this.duty.setShare(share)
  }

  /** When work may be taken again; in the past for a provider that is not resting. */
  get restsUntilMs(): number {
    return this.duty.restsUntilMs
  }

  /** What a run costs in time until the next one may begin, milliseconds. */
  paceMs(layerMs: number): number {
    return this.duty.paceMs(layerMs)
  }

  has(request: RequestId): boolean {
    return this.byRequest.has(request)
  }

  /** @param isReached whether there is a way to whoever holds its tensor. */
  begin(flight: Flight, layers: readonly number[], isReached = true): Visit {
    const visit = new Visit({ id: this.nextJob(), flight, layers, isReached })
    this.byRequest.set(flight.request, visit)
    this.byId.set(visit.id.number, flight.request)
    return visit
  }

  /** The job by its id; undefined once it was abandoned or has ended. */
  get(id: JobId): Visit | undefined {
    const request = this.byId.get(id.number)
    return request === undefined ? undefined : this.byRequest.get(request)
  }

  /** The tensor of a visit is here: the engine begins. @param expectedMs what it should take until its end. */
  runBegan(visit: Visit, expectedMs: number, nowMs: number): void {
    visit.begin(expectedMs, nowMs)
    this.duty.runBegan(nowMs)
  }

  errandBegan(): void {
    this.errands++
  }

  errandRuns(nowMs: number): void {
    this.duty.runBegan(nowMs)
  }

  errandEnded(): void {
    this.errands--
  }

  /** The engine has ended a run, wanted or not. */
  runEnded(nowMs: number): void {
    this.duty.runEnded(nowMs)
  }

  /** Visits that are running and that those who wait for them should hear of again. */
  overdue(nowMs: number): Visit[] {
    return [...this.byRequest.values()].filter(({ renewAtMs }) => nowMs >= renewAtMs)
  }

  /** When `overdue` has something next, milliseconds. */
  wakeAtMs(): number {
    let at = NEVER
    for (const { renewAtMs } of this.byRequest.values()) at = Math.min(at, renewAtMs)
    return at
  }

  /** Layers in hand whose tensor is still on its way. */
  get pulling(): number {
    let count = 0
    for (const { isRunning } of this.byRequest.values()) if (!isRunning) count++
    return count
  }

  /**
   * Whether one more visit may wait for its tensor at the cost of this peer: of all slots half are for whoever
   * else's tensors come.
   */
  hasRoomFor(payer: PeerId): boolean {
    let waiting = 0
    for (const { isRunning, flight } of this.byRequest.values())
      if (!isRunning && flight.payer === payer) waiting++
    return 2 * waiting < Math.max(2, this.options.slots)
  }

  /** Visits that wait for a tensor of this peer. */
  pullingFrom(peer: PeerId): Visit[] {
    return [...this.byRequest.values()].filter(({ step: { activation }, isRunning }) => {
      return !isRunning && activation.place === 'held' && activation.holder === peer
    })
  }

  forget({ id, flight }: Visit): void {
    this.byId.delete(id.number)
    this.byRequest.delete(flight.request)
  }

  /** Gives up the work on a request, if there is any. */
  abandon(request: RequestId): Effect[] {
    const visit = this.byRequest.get(request)
    if (visit === undefined) return []
    this.forget(visit)
    return visit.isRunning ? [] : [{ do: 'cancel', job: visit.id }]
  }
}
