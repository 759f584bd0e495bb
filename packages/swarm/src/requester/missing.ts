import type { Missing } from '../failure.ts'
import type { Coverage } from './coverage.ts'
import { NAMED_STALL_MS, SILENT_NAMED_MAX } from './limits.ts'
import type { Pending } from './pending.ts'
import type { Scoring } from './scoring.ts'

/** What a request was short of when it ended without an answer, as far as its requester can tell. */
export function missingOf(
  wanted: Pending,
  { scoring, coverage }: { readonly scoring: Scoring; readonly coverage: Coverage },
  nowMs: number,
): Missing {
  const { newest, leastHops, atWork } = wanted
  if (newest.route.length >= leastHops) return missingScores(wanted, scoring)
  const { unhosted, runnable } = coverage.shortage(newest)
  if (runnable === 0 || newest.route.length + runnable < leastHops)
    return coverage.isNew(nowMs) ? { what: 'news' } : { what: 'hosts', layers: unhosted }
  if (atWork !== undefined) return { what: 'time', peer: atWork }
  const { next, requester } = newest
  // Short work is not spoken of, and there was time for no more than that.
  if (next !== undefined && (next === requester || wanted.policy.deadlineMs < NAMED_STALL_MS))
    return { what: 'time', peer: next }
  const silent = new Set([...wanted.silent, ...(next === undefined ? [] : [next])])
  silent.delete(requester)
  if (silent.size > 0) return { what: 'replies', peers: [...silent].slice(-SILENT_NAMED_MAX) }
  return { what: 'takers' }
}

/** Enough layers have run. */
function missingScores({ newest, headFailure }: Pending, scoring: Scoring): Missing {
  const { activation } = newest
  const isHere = activation.place === 'inline' || scoring.isRunning(newest.request)
  if (isHere || headFailure !== undefined) return { what: 'head', reason: headFailure }
  return { what: 'result', peer: activation.holder }
}
