import { GOSSIP_CHECKS_AT_ONCE_MAX, GOSSIP_TURN_MS } from '../limits.ts'

/** What turns are measured and ended with. */
export interface TurnsOptions {
  /** Any clock that never goes back, milliseconds. */
  readonly nowMs: () => number
  /** Calls back once timers and sockets have had their turn. */
  readonly afterTurn: (resume: () => void) => void
}

/**
 * Checks of messages that come at once, done in turns: otherwise hundreds in one frame are all checked before
 * any timer fires, for promises that resolve come before everything else.
 *
 * 1. One begins at once while few are at work and the turn of the thread is young; otherwise it waits.
 * 2. When a turn has lasted `GOSSIP_TURN_MS`, everything else comes first.
 * 3. Those for whom it is done take turns (round robin): who brings hundreds delays himself. What one brings
 *    begins in its order.
 */
export interface Turns {
  /** Does it for somebody, and settles as it does. */
  run(whose: string, work: () => Promise<void>): Promise<void>
}

/** Nobody waits yet. */
export function createTurns({ nowMs, afterTurn }: TurnsOptions): Turns {
  /** Maps iterate in insertion order: whoever had a turn goes to the end. */
  const waiting = new Map<string, (() => void)[]>()
  let atWork = 0
  let beganMs: number | undefined

  function isYoung(): boolean {
    if (beganMs === undefined) {
      beganMs = nowMs()
      afterTurn(() => {
        beganMs = undefined
        letIn()
      })
    }
    return nowMs() - beganMs < GOSSIP_TURN_MS
  }

  function letIn(): void {
    while (atWork < GOSSIP_CHECKS_AT_ONCE_MAX && waiting.size > 0 && isYoung()) {
      for (const [whose, begins] of waiting) {
        waiting.delete(whose)
        const begin = begins.shift()
        if (begins.length > 0) waiting.set(whose, begins)
        begin?.()
        break
      }
    }
  }

  return {
    async run(whose, work) {
      await new Promise<void>((begin) => {
        const own = waiting.get(whose)
        const begins = () => {
          atWork += 1
          begin()
        }
        if (own === undefined) waiting.set(whose, [begins])
        else own.push(begins)
        letIn()
      })
      try {
        await work()
      } finally {
        atWork -= 1
        letIn()
      }
    },
  }
}
