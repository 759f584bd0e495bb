import type { Effect } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import { SILENT_CLAIM_MS } from '../limits.ts'
import type { PeerId, Step } from '../wire/messages.ts'
import type { Flight } from './flight.ts'
import { AT_WORK_MS, OVERDUE_FACTOR, RENEWAL_MS_MAX, RENEWAL_SHARE } from './limits.ts'

/** A layer that has been run, in so many milliseconds. */
interface LayerRun {
  readonly layer: number
  readonly ms: number
}

/** What a visit is begun with. */
export interface VisitStart {
  readonly id: JobId
  readonly flight: Flight
  /** In the order in which they are run; none to pass the tensor on. */
  readonly layers: readonly number[]
  /** There is a way to whoever holds its tensor: a pull that fails means that it is lost. */
  readonly isReached: boolean
}

const NEVER = Number.POSITIVE_INFINITY

/**
 * Layers of one request that this provider has claimed, to be run one after the other on the same tensor.
 *
 * 1. It goes on from the step that was the newest when it began, whatever becomes of the request.
 * 2. Its layers run in their order, each on the output of the one before.
 * 3. Before its tensor is here nobody has to hear of it again; from then on it is renewed before what was
 *    last said of it runs out.
 */
export class Visit {
  readonly id: JobId
  readonly flight: Flight
  /** The step that it goes on from. */
  readonly step: Step
  readonly isReached: boolean
  /** It is here only to pass the tensor on. */
  readonly isRelay: boolean
  private readonly layers: readonly number[]
  private readonly done: LayerRun[] = []
  private beganAtMs: number | undefined
  private dueAtMs = NEVER

  constructor({ id, flight, layers, isReached }: VisitStart) {
    this.id = id
    this.flight = flight
    this.step = flight.newest
    this.layers = layers
    this.isReached = isReached
    this.isRelay = layers.length === 0
  }

  /** Whoever has its tensor; undefined where that is in the message. */
  get holder(): PeerId | undefined {
    const { activation } = this.step
    return activation.place === 'held' ? activation.holder : undefined
  }

  /** Its tensor is here and its engine has begun. */
  get isRunning(): boolean {
    return this.beganAtMs !== undefined
  }

  /** What has been run so far. */
  get runs(): readonly LayerRun[] {
    return this.done
  }

  /** Layers that are still to be run. */
  get left(): number {
    return this.layers.length - this.done.length
  }

  /** The layer that it is at; undefined when none is left. */
  get layer(): number | undefined {
    return this.layers[this.done.length]
  }

  /** The hop that this layer is to be. */
  get hop(): number {
    return this.step.route.length + this.done.length
  }

  /** When those who wait for it should hear of it again, milliseconds. */
  get renewAtMs(): number {
    return this.dueAtMs
  }

  /** Its engine begins. @param expectedMs what is before it and its own runs should take. */
  begin(expectedMs: number, nowMs: number): void {
    this.beganAtMs = nowMs
    this.dueAtMs = nowMs + Math.min(Math.max(SILENT_CLAIM_MS, 2 * expectedMs), RENEWAL_MS_MAX)
  }

  /** It takes longer than it should. @returns for how long it is claimed anew, milliseconds. */
  renew(nowMs: number): number {
    const ttlMs = AT_WORK_MS + OVERDUE_FACTOR * (nowMs - (this.beganAtMs ?? nowMs))
    this.dueAtMs = nowMs + Math.min(RENEWAL_SHARE * ttlMs, RENEWAL_MS_MAX)
    return ttlMs
  }

  /** The layer that it is at has run. @returns how many are left. */
  ran(ms: number): number {
    if (this.layer !== undefined) this.done.push({ layer: this.layer, ms })
    return this.left
  }

  /** Runs the layer that it is at, or makes the result ready when none is left. */
  next(tensor: Extract<Effect, { do: 'run-layer' }>['input']): Effect {
    const { id, layer, hop } = this
    return layer === undefined
      ? { do: 'prepare', job: id, tensor }
      : { do: 'run-layer', job: id, layer, hop, input: tensor }
  }

  /** What it reports once its result is handed over. */
  reports(): Effect[] {
    const { request } = this.flight
    const from = this.step.route.length
    return this.done.map(({ layer, ms }, i) => ({
      do: 'report',
      event: { type: 'hop-served', request, hop: from + i, layer, ms },
    }))
  }
}
