import type { Effect } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import { Lenience } from '../lenience.ts'
import type { Ways } from '../presence/ways.ts'
import type { HeldActivation, PeerId } from '../wire/messages.ts'
import {
  ASKED_FACTOR,
  ASKED_ROUND_TRIPS,
  ASKED_SLACK_MS,
  LATE_DECAY,
  LATE_GROWTH,
  LATE_MAX,
  PUSH_FACTOR,
  PUSH_ROUND_TRIPS,
  PUSH_SLACK_MS,
} from './limits.ts'

type Pull = Extract<Effect, { do: 'pull' }>

interface Fetch {
  readonly job: JobId
  readonly tensor: HeldActivation
  readonly isAwaited: boolean
  isAsked: boolean
  dueAtMs: number
}

/** Tensors on their way here that have not come in time. */
export interface Overdue {
  readonly effects: Effect[]
  /** Nobody waits for these any longer: their holder did not answer. */
  readonly lost: JobId[]
}

/**
 * Tensors on their way here. One that was to be pushed and does not come is asked for; when its holder does
 * not answer either, it is lost, long before the connection would say so.
 *
 * 1. Only a holder that there is a way to is judged: without one the transport finds a way, or none.
 * 2. A tensor is asked for once.
 * 3. Where tensors come late, all are waited for longer.
 */
export class Fetches {
  private readonly self: PeerId
  private readonly ways: Ways
  private readonly open = new Map<number, Fetch>()
  private readonly lenience = new Lenience({
    growth: LATE_GROWTH,
    decay: LATE_DECAY,
    most: LATE_MAX,
  })

  constructor(self: PeerId, ways: Ways) {
    this.self = self
    this.ways = ways
  }

  /** A tensor is to come, or is asked for. */
  began({ job, tensor, isAwaited }: Pull, nowMs: number): void {
    if (tensor.holder === this.self || !this.ways.reaches(tensor.holder)) return
    // Asked for by this very machine.
    if (this.open.has(job.number)) return
    const fetch = { job, tensor, isAwaited, isAsked: !isAwaited, dueAtMs: 0 }
    this.open.set(job.number, fetch)
    this.wait(fetch, nowMs)
  }

  /** It is here, cannot be had, or is not wanted any more. */
  ended({ number }: JobId, came: boolean): void {
    const fetch = this.open.get(number)
    if (fetch === undefined) return
    this.open.delete(number)
    if (!came || !fetch.isAwaited) return
    this.lenience.came(fetch.isAsked)
  }

  onTime(nowMs: number): Overdue {
    const effects: Effect[] = []
    const lost: JobId[] = []
    for (const fetch of this.open.values()) {
      if (nowMs < fetch.dueAtMs) continue
      const { job, tensor } = fetch
      if (fetch.isAsked) {
        this.open.delete(job.number)
        effects.push({ do: 'cancel', job })
        lost.push(job)
        continue
      }
      fetch.isAsked = true
      this.wait(fetch, nowMs)
      effects.push({ do: 'pull', job, tensor, isAwaited: false })
    }
    return { effects, lost }
  }

  /** When `onTime` is due next. */
  wakeAtMs(): number {
    let at = Number.POSITIVE_INFINITY
    for (const { dueAtMs } of this.open.values()) at = Math.min(at, dueAtMs)
    return at
  }

  private wait(fetch: Fetch, nowMs: number): void {
    const { holder, size } = fetch.tensor
    const rttMs = this.ways.rttMs(holder)
    const transferMs = this.open.size * this.ways.transferMs(size, holder, this.self)
    const ms = fetch.isAsked
      ? ASKED_ROUND_TRIPS * rttMs + ASKED_FACTOR * transferMs + ASKED_SLACK_MS
      : PUSH_ROUND_TRIPS * rttMs + PUSH_FACTOR * transferMs + PUSH_SLACK_MS
    fetch.dueAtMs = nowMs + this.lenience.factor * ms
  }
}
