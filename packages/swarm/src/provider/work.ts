import type { Effect } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import type { PeerId, RequestId, Step } from '../wire/messages.ts'
import { Duty } from './duty.ts'
import type { Flight } from './flight.ts'

/** A layer that has been run, in so many milliseconds. */
export interface LayerRun {
  readonly layer: number
  readonly ms: number
}

/** Layers of one request that this provider has claimed, to be run one after the other on the same tensor. */
export interface Visit {
  readonly id: JobId
  readonly flight: Flight
  /** The step that it goes on from. */
  readonly step: Step
  /** In the order in which they are run. */
  readonly layers: readonly number[]
  /** There was a way to whoever holds its tensor: a pull that fails means that it is lost. */
  readonly isReached: boolean
  /** The hop of the first of them. */
  readonly hop: number
  /** What has been run so far. */
  readonly runs: LayerRun[]
  /** When its engine began; undefined while its tensor is on its way. */
  beganAtMs: number | undefined
  /** Those who wait for it think that it lives until then, milliseconds. */
  renewAtMs: number
}

const NEVER = Number.POSITIVE_INFINITY

type Phase = 'pulling' | 'running' | 'preparing'

interface Running {
  readonly job: Visit
  phase: Phase
}

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
  private readonly byRequest = new Map<RequestId, Running>()
  private readonly byId = new Map<number, RequestId>()

  constructor(options: WorkOptions, nextJob: () => JobId) {
    this.options = options
    this.nextJob = nextJob
    this.duty = new Duty(options.timeShare)
  }

  /** Visits in hand, the ones whose tensor is only on its way included. */
  get size(): number {
    return this.byRequest.size
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
    const hop = flight.newest.route.length
    const job = {
      id: this.nextJob(),
      flight,
      step: flight.newest,
      layers,
      isReached,
      hop,
      runs: [],
      beganAtMs: undefined,
      renewAtMs: NEVER,
    }
    this.byRequest.set(flight.request, { job, phase: 'pulling' })
    this.byId.set(job.id.number, flight.request)
    return job
  }

  /** The job by its id; undefined once it was abandoned or has ended. */
  get(id: JobId): Visit | undefined {
    const request = this.byId.get(id.number)
    return request === undefined ? undefined : this.byRequest.get(request)?.job
  }

  /** Its tensor is here: the engine begins. */
  runBegan(visit: Visit, nowMs: number): void {
    visit.beganAtMs = nowMs
    const running = this.byRequest.get(visit.flight.request)
    if (running !== undefined) running.phase = 'running'
    this.duty.runBegan(nowMs)
  }

  /** The engine has ended a run, wanted or not. */
  runEnded(nowMs: number): void {
    this.duty.runEnded(nowMs)
  }

  /** Visits that are running and that those who wait for them should hear of again. */
  overdue(nowMs: number): Visit[] {
    return [...this.byRequest.values()]
      .map(({ job }) => job)
      .filter(({ renewAtMs }) => nowMs >= renewAtMs)
  }

  /** When `overdue` has something next, milliseconds. */
  wakeAtMs(): number {
    let at = NEVER
    for (const { job } of this.byRequest.values()) at = Math.min(at, job.renewAtMs)
    return at
  }

  /** Layers in hand whose tensor is still on its way. */
  get pulling(): number {
    let count = 0
    for (const { phase } of this.byRequest.values()) if (phase === 'pulling') count++
    return count
  }

  /** Visits that wait for a tensor of this peer. */
  pullingFrom(peer: PeerId): Visit[] {
    return [...this.byRequest.values()]
      .filter(({ job, phase }) => {
        const { activation } = job.step
        return phase === 'pulling' && activation.place === 'held' && activation.holder === peer
      })
      .map(({ job }) => job)
  }

  forget({ id, flight }: Visit): void {
    this.byId.delete(id.number)
    this.byRequest.delete(flight.request)
  }

  /** Gives up the work on a request, if there is any. */
  abandon(request: RequestId): Effect[] {
    const running = this.byRequest.get(request)
    if (running === undefined) return []
    this.forget(running.job)
    return running.phase === 'pulling' ? [{ do: 'cancel', job: running.job.id }] : []
  }
}
