import type { CoreEffect, Effect } from '../effects.ts'
import { Lenience } from '../lenience.ts'
import type { AskedInRounds } from './asked.ts'
import { asRoundTensor, type Executor } from './executor.ts'
import {
  LATE_DECAY,
  LATE_GROWTH,
  LATE_MAX,
  SHARE_PATIENCE,
  SHARE_SLACK_MS,
  UNMEASURED_PATIENCE,
} from './limits.ts'
import type { Share } from './plan.ts'
import type { CurrentRound } from './round.ts'

/**
 * Asks executors for their shares of a round, and says how long each is waited for.
 *
 * 1. Others are asked first: what this member runs itself takes none of their time.
 * 2. When those that were given up come after all, everybody is waited for longer.
 */
export class Asking {
  private readonly own: Pick<Executor, 'runOwn'>
  private readonly lenience = new Lenience({
    growth: LATE_GROWTH,
    decay: LATE_DECAY,
    most: LATE_MAX,
  })

  constructor(own: Pick<Executor, 'runOwn'>) {
    this.own = own
  }

  /** @returns what asks them; a share that this member cannot run itself is asked of nobody then. */
  ask(
    asked: AskedInRounds,
    round: CurrentRound,
    shares: readonly Share[],
    nowMs: number,
  ): CoreEffect[] {
    const others = shares.filter(({ executor }) => !executor.isHub)
    const own = shares.filter(({ executor }) => executor.isHub)
    return [
      ...others.flatMap((share) => this.askOne(asked, round, share, nowMs)),
      ...own.flatMap((share) => this.runOwn(asked, round, share, nowMs)),
    ]
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

  private askOne(
    asked: AskedInRounds,
    round: CurrentRound,
    { executor: { peer, isMeasured }, layers, ms }: Share,
    nowMs: number,
  ): CoreEffect[] {
    const { request, told, deadlineMs } = asked
    asked.ask(peer, layers, nowMs + this.patienceMs(ms, isMeasured))
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
    asked.ask(peer, layers, nowMs + this.patienceMs(ms, isMeasured))
    const of = { request, round: round.index, remainingMs: deadlineMs - nowMs }
    const effects = this.own.runOwn(of, layers, round.input.tensor, nowMs)
    if (effects !== undefined) return effects
    for (const attempt of round.of(peer)) attempt.state = 'over'
    return []
  }
}
