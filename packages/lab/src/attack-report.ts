import { quantile } from './quantile.ts'
import type { RequestRecord } from './request-record.ts'

/** What became of the requests that were made while a peer attacked, or after it was gone. */
export interface AttackedRequests {
  readonly requests: number
  readonly answered: number
  /** Of these, with every layer and no lie in them. */
  readonly right: number
  /** Of the answered ones, milliseconds. */
  readonly p50Ms: number
  readonly p95Ms: number
}

/** What one attacking peer did to a run. */
export interface AttackReport {
  /** The first half of the requests. */
  readonly during: AttackedRequests
  /** The second half. */
  readonly after: AttackedRequests
  /** From the beginning of the attack until nobody had a connection to the attacker, milliseconds; null where it stayed to its end. */
  readonly hungUpMs: number | null
}

/** Reads an attack off the records of a run. */
export function attackOf(
  records: readonly RequestRecord[],
  hungUpMs: number | undefined,
): AttackReport {
  const half = records.length >> 1
  return {
    during: summary(records.filter(({ index }) => index < half)),
    after: summary(records.filter(({ index }) => index >= half)),
    hungUpMs: hungUpMs ?? null,
  }
}

function summary(records: readonly RequestRecord[]): AttackedRequests {
  const answers = records.filter(({ outcome }) => outcome === 'answered')
  const times = answers.map(({ atMs, endMs = atMs }) => endMs - atMs).sort((a, b) => a - b)
  return {
    requests: records.length,
    answered: answers.length,
    right: answers.filter(({ missing, isWrong }) => missing === 0 && !isWrong).length,
    p50Ms: quantile(times, 0.5),
    p95Ms: quantile(times, 0.95),
  }
}
