import { softmax, tensor } from '@layerswarm/model'
import { has } from '../claims/layer-set.ts'
import type { Effect } from '../effects.ts'
import type { FailureFault, Missing } from '../failure.ts'
import type { Answer, Checked } from '../request.ts'
import { SILENT_NAMED_MAX } from '../requester/limits.ts'
import type { RequestId } from '../wire/messages.ts'
import type { AskedInRounds } from './asked.ts'
import type { Seen } from './sight.ts'

/** The answer of a request whose head has run. */
export function answerOf(
  { request, route, rounds, left, startedMs }: AskedInRounds,
  logits: readonly (readonly number[])[],
  checked: Checked,
  nowMs: number,
): Answer {
  const probabilities = logits.map((row) => [
    ...softmax(tensor([row.length], Float32Array.from(row))).data,
  ])
  const totalMs = nowMs - startedMs
  return { request, logits, probabilities, route, rounds, missingLayers: left, checked, totalMs }
}

/** A request has ended without an answer. */
export function failed(request: RequestId, fault: FailureFault): Effect {
  return { do: 'report', event: { type: 'failed', request, fault } }
}

/** Why there is no answer in time. */
export function lateFault(asked: AskedInRounds, { executors }: Seen): FailureFault {
  const { policy, route, left, headFailure, stage, told } = asked
  const { deadlineMs } = policy
  const unhosted = left.filter((layer) => !executors.some((one) => has(one.layers, layer)))
  const missing: Missing =
    stage === 'scores'
      ? { what: 'head', reason: headFailure }
      : unhosted.length > 0
        ? { what: 'hosts', layers: unhosted }
        : { what: 'replies', peers: [...told].slice(-SILENT_NAMED_MAX) }
  return { code: 'deadline-passed', deadlineMs, hops: route.length, missing }
}
