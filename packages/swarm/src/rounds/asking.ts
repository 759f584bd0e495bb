import type { CoreEffect, Effect } from '../effects.ts'
import type { Uplink } from '../fetch/uplink.ts'
import { Lenience } from '../lenience.ts'
import type { AskedInRounds } from './asked.ts'
import { asRoundTensor, type Executor } from './executor.ts'
import {
  COPIES_SHARE,
  LATE_DECAY,
  LATE_GROWTH,
  LATE_MAX,
  SHARE_PATIENCE,
  SHARE_SLACK_MS,
  UNMEASURED_PATIENCE,
} from './limits.ts'
import type { Share } from './plan.ts'
import type { Attempt, CurrentRound } from './round.ts'

/** A share that somebody is asked for once there is room in the uplink. */
interface Waiting {
  readonly asked: AskedInRounds
  readonly round: CurrentRound
  readonly share: Share
  readonly attempt: Attempt
  readonly sendMs: number
}

/**
 * Asks executors for their shares of a round, and says how long each is waited for.
 *
 * 1. Others are asked first: what this member runs itself takes none of their time.
 * 2. When those that were given up come after all, everybody is waited for longer.
 * 3. Each is asked when its copy of the input can leave, of all requests in the order in which they came to that; and
 *    not at all when it is not wanted any more by then.
 */
export class Asking {
  private readonly uplink: Uplink
  private waiting: Waiting[] = []
  private readonly own: Pick<Executor, 'runOwn'>
  private readonly lenience = new Lenience({
    growth: LATE_GROWTH,
    decay: LATE_DECAY,
    most: LATE_MAX,
  })

  /** @param uplink which tensors of this member's tours take as well. */
  constructor(own: Pick<Executor, 'runOwn'>, uplink: Uplink) {
    this.own = own
    this.uplink = uplink
  }

  /**
   * @param sendMs of a copy of the input through this member's access, milliseconds.
   * @returns what asks those for whom there is room; a share that this member cannot run itself is asked of nobody then.
   */
  ask(
    asked: AskedInRounds,
    round: CurrentRound,
    shares: readonly Share[],
    sendMs: number,
    nowMs: number,
  ): CoreEffect[] {
    const others = shares.filter(({ executor }) => !executor.isHub)
    const own = shares.filter(({ executor }) => executor.isHub)
    for (const share of others) {
      const { executor, layers } = share
      const attempt = round.ask(executor.peer, layers, Number.POSITIVE_INFINITY)
      this.waiting.push({ asked, round, share, attempt, sendMs })
    }
    return [
      ...this.onTime(nowMs),
      ...own.flatMap((share) => this.runOwn(asked, round, share, nowMs)),
    ]
  }

  /** Asks those for whom there is room by now. */
  onTime(nowMs: number): Effect[] {
    const effects: Effect[] = []
    this.waiting = this.waiting.filter(isWanted)
    for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
      if (nowMs < this.uplink.roomAtMs(next.sendMs)) break
      this.waiting.shift()
      effects.push(...this.askOne(next, nowMs))
    }
    return effects
  }

  /** When `onTime` is due next, milliseconds. */
  wakeAtMs(): number {
    const next = this.waiting.find(isWanted)
    return next === undefined ? Number.POSITIVE_INFINITY : this.uplink.roomAtMs(next.sendMs)
  }

  /** Until copies that were asked for before have left, milliseconds. */
  waitMs(nowMs: number): number {
    const wanted = this.waiting.filter(isWanted)
    const queuedMs = wanted.reduce((sum, { sendMs }) => sum + sendMs, 0)
    return this.uplink.waitMs(nowMs) + queuedMs
  }

  /** Before silence means something, milliseconds. */
  patienceMs(expectedMs: number, isMeasured = true): number {
    const times = isMeasured ? SHARE_PATIENCE : UNMEASURED_PATIENCE
    return this.lenience.factor * (times * expectedMs + SHARE_SLACK_MS)
  }

  /** A sum has come. @param isLate after its author was given up; undefined where it was not waited for. */
  came(isLate: boolean | undefined): void {
    if (isLate !== undefined) this.lenience.came(isLate)
  }

  private askOne({ asked, round, share, attempt, sendMs }: Waiting, nowMs: number): Effect[] {
    const { request, told, deadlineMs } = asked
    const { executor, layers, ms } = share
    const { peer, isMeasured } = executor
    attempt.dueAtMs = nowMs + this.uplink.waitMs(nowMs) + this.patienceMs(ms, isMeasured)
    this.uplink.take(sendMs / COPIES_SHARE, nowMs)
    asked.tries(peer, layers)
    told.add(peer)
    const { activation } = round.input
    const input = asRoundTensor(activation)
    const remainingMs = deadlineMs - nowMs
    const of = { request, round: round.index, layers, input, remainingMs }
    const said: Effect = { do: 'tell', message: { kind: 'round', ...of }, to: [peer] }
    return activation.place === 'held'
      ? [said, { do: 'push', hash: activation.hash, to: peer }]
      : [said]
  }

  private runOwn(
    asked: AskedInRounds,
    round: CurrentRound,
    { executor: { peer, isMeasured }, layers, ms }: Share,
    nowMs: number,
  ): CoreEffect[] {
    const { request, deadlineMs } = asked
    round.ask(peer, layers, nowMs + this.patienceMs(ms, isMeasured))
    asked.tries(peer, layers)
    const of = { request, round: round.index, remainingMs: deadlineMs - nowMs }
    const effects = this.own.runOwn(of, layers, round.input.tensor, nowMs)
    if (effects !== undefined) return effects
    for (const attempt of round.of(peer)) attempt.state = 'over'
    return []
  }
}

function isWanted({ asked, round, attempt }: Waiting): boolean {
  return asked.current === round && attempt.state === 'asked'
}
