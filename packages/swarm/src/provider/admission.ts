import { FLIGHTS_MAX, FLIGHTS_PER_REQUESTER_FAIR, FLIGHTS_PER_REQUESTER_MAX } from '../limits.ts'
import type { PeerId } from '../wire/messages.ts'
import { Fairness } from './fairness.ts'

/** How a new request is met. */
export type Admission = 'follow' | 'ignore' | 'ban'

/**
 * Counts the requests that a provider follows, and decides on new ones: at most FLIGHTS_MAX in all,
 * FLIGHTS_PER_REQUESTER_MAX of one requester, FLIGHTS_PER_REQUESTER_FAIR while others ask too.
 */
export class Admissions {
  private readonly byRequester = new Map<PeerId, number>()
  private readonly fairness = new Fairness()
  private total = 0

  /** A request that is not followed yet. */
  judge(requester: PeerId, nowMs: number): Admission {
    this.fairness.asked(requester, nowMs)
    const most = this.fairness.isAlone(requester, nowMs)
      ? FLIGHTS_PER_REQUESTER_MAX
      : FLIGHTS_PER_REQUESTER_FAIR
    const own = this.byRequester.get(requester) ?? 0
    if (this.total < FLIGHTS_MAX && own < most) {
      this.total++
      this.byRequester.set(requester, own + 1)
      return 'follow'
    }
    return this.fairness.refused(requester, nowMs) ? 'ban' : 'ignore'
  }

  /** A request is followed no longer. @param done its requester said so; otherwise its time ran out. */
  left(requester: PeerId, done: boolean): void {
    if (done) this.fairness.finished(requester)
    this.total--
    const left = (this.byRequester.get(requester) ?? 1) - 1
    if (left > 0) this.byRequester.set(requester, left)
    else this.byRequester.delete(requester)
  }
}
