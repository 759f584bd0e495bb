import { NEAR_MS } from '../claims/limits.ts'
import type { RequestId } from '../wire/messages.ts'
import { EXPERIENCE_MAX, EXPERIENCE_MS, ROUNDS_TIMES_USUAL, TOUR_TIMES_USUAL } from './limits.ts'

/** How a request goes. */
export type Way = 'tour' | 'rounds'

/** In times of what was expected, how long requests have taken by each way. */
export type Lateness = Readonly<Record<Way, number>>

interface Begun {
  readonly way: Way
  readonly expectedMs: number
  readonly atMs: number
}

interface Ended {
  readonly times: number
  readonly atMs: number
}

/**
 * How long the requests of this member take beside what was expected of their way. A plan knows nothing of who
 * leaves on the way, of what is lost, and of waiting for others; and the quickest of many plans is the one that
 * expects too little.
 *
 * 1. A request counts once, for the way on which it began.
 * 2. Of each way the newest EXPERIENCE_MAX count, for EXPERIENCE_MS, and beside them one that took what is usual.
 */
export class Experience {
  private readonly begun = new Map<RequestId, Begun>()
  private readonly ended: Record<Way, Ended[]> = { tour: [], rounds: [] }

  /** A request goes by a way that should take so long, milliseconds; Infinity where nobody knows. */
  begins(request: RequestId, way: Way, expectedMs: number, nowMs: number): void {
    if (!Number.isFinite(expectedMs) || expectedMs <= 0) return
    this.begun.set(request, { way, expectedMs, atMs: nowMs })
  }

  /** A request is over. @param isTimed it was answered, or its time was over. */
  ends(request: RequestId, isTimed: boolean, nowMs: number): void {
    const one = this.begun.get(request)
    this.begun.delete(request)
    if (one === undefined || !isTimed) return
    const ended = this.ended[one.way]
    ended.push({ times: (nowMs - one.atMs) / one.expectedMs, atMs: nowMs })
    if (ended.length > EXPERIENCE_MAX) ended.shift()
  }

  /**
   * The median of each way.
   * @param tourMs that a tour should take: one of NEAR_MS and less is usually as late as rounds are, where ways are
   * near there is little to be wrong about.
   */
  lateness(tourMs: number, nowMs: number): Lateness {
    const of = (way: Way, usual: number) => {
      const recent = this.ended[way].filter(({ atMs }) => nowMs - atMs < EXPERIENCE_MS)
      return median([usual, ...recent.map(({ times }) => times)])
    }
    const rounds = of('rounds', ROUNDS_TIMES_USUAL)
    return { tour: of('tour', tourMs <= NEAR_MS ? rounds : TOUR_TIMES_USUAL), rounds }
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[sorted.length >> 1] as number
  const lower = sorted[(sorted.length - 1) >> 1] as number
  return (lower + upper) / 2
}
