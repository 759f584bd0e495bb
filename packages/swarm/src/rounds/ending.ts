import { has } from '../claims/layer-set.ts'
import type { Effect } from '../effects.ts'
import type { FailureFault, Missing } from '../failure.ts'
import type { Answer } from '../request.ts'
import { SILENT_NAMED_MAX } from '../requester/limits.ts'
import type { RequestId } from '../wire/messages.ts'
import type { AskedInRounds } from './asked.ts'
import type { Seen } from './sight.ts'

/** The answer of a request whose head has run. */
export function answerOf(
  { request, route, rounds, missing, startedMs }: AskedInRounds,
  logits: readonly (readonly number[])[],
  probabilities: readonly (readonly number[])[],
  nowMs: number,
): Answer {
  const checked = { layers: [], doubted: [] }
  const totalMs = nowMs - startedMs
  return { request, logits, probabilities, route, rounds, missingLayers: missing, checked, totalMs }
}

/** A request has ended without an answer. */
export function failed(request: RequestId, fault: FailureFault): Effect {
  return { do: 'report', event: { type: 'failed', request, fault } }
}

/** Why there is no answer. */
export function shortfallOf(
  asked: AskedInRounds,
  { executors }: Seen,
  nowMs: number,
): FailureFault {
  const { policy, route, missing, headFailure, stage } = asked
  const hops = route.length
  const isLate = nowMs >= asked.deadlineMs
  const unhosted = missing.filter((layer) => !executors.some((one) => has(one.layers, layer)))
  if (hops === 0 && executors.length === 0) return { code: 'no-providers' }
  const why: Missing =
    stage === 'scores' || (asked.isEnough && hops > 0)
      ? { what: 'head', reason: headFailure }
      : unhosted.length > 0
        ? { what: 'hosts', layers: unhosted }
        : { what: 'replies', peers: [...asked.told].slice(-SILENT_NAMED_MAX) }
  if (isLate) return { code: 'deadline-passed', deadlineMs: policy.deadlineMs, hops, missing: why }
  return { code: 'too-few-layers', applied: hops, wanted: policy.minLayers, missing: why }
}
