import type { Effect } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import type { RequestId } from '../wire/messages.ts'
import { Duty } from './duty.ts'
import type { Flight } from './flight.ts'

/** A layer run that this provider has claimed. */
export interface LayerJob {
  readonly id: JobId
  readonly flight: Flight
  readonly layer: number
  readonly hop: number
}

interface Running {
  readonly job: LayerJob
  isPulling: boolean
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
 * 1. A request has at most one layer run here.
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

  /** Runs in hand, the ones whose tensor is only on its way included. */
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

  begin(flight: Flight, layer: number): LayerJob {
    const job = { id: this.nextJob(), flight, layer, hop: flight.newest.route.length }
    this.byRequest.set(flight.request, { job, isPulling: true })
    this.byId.set(job.id.number, flight.request)
    return job
  }

  /** The job by its id; undefined once it was abandoned or has ended. */
  get(id: JobId): LayerJob | undefined {
    const request = this.byId.get(id.number)
    return request === undefined ? undefined : this.byRequest.get(request)?.job
  }

  /** Its tensor is here: the engine begins. */
  runBegan({ flight }: LayerJob, nowMs: number): void {
    const running = this.byRequest.get(flight.request)
    if (running !== undefined) running.isPulling = false
    this.duty.runBegan(nowMs)
  }

  /** The engine has ended a run, wanted or not. @returns the job, if it is still this provider's. */
  runEnded(id: JobId, nowMs: number): LayerJob | undefined {
    this.duty.runEnded(nowMs)
    const job = this.get(id)
    if (job !== undefined) this.forget(job)
    return job
  }

  forget({ id, flight }: LayerJob): void {
    this.byId.delete(id.number)
    this.byRequest.delete(flight.request)
  }

  /** Gives up the work on a request, if there is any. */
  abandon(request: RequestId): Effect[] {
    const running = this.byRequest.get(request)
    if (running === undefined) return []
    this.forget(running.job)
    return running.isPulling ? [{ do: 'cancel', job: running.job.id }] : []
  }
}
