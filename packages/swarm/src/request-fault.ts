import type { EncodedActivation } from '@layerswarm/model'
import { UNSIGNED } from './chain/statement.ts'
import { stepFault } from './gate/step-fault.ts'
import { DEADLINE_MS_MAX } from './limits.ts'
import type { ClassifyPolicy } from './request.ts'
import type { ModelShape } from './step.ts'
import type { PeerId, RequestId } from './wire/messages.ts'

/** What is wrong with a request before it is sent: which of its fields, and one line for people. */
export interface RequestFault {
  readonly field: string
  readonly message: string
}

/** Who asks for what. */
export interface Question {
  readonly request: RequestId
  readonly self: PeerId
  /** The stem's output, (B, T, C). */
  readonly stem: EncodedActivation
  readonly policy: ClassifyPolicy
}

/** Why nobody in a swarm of this model could answer a request; undefined when somebody could. */
export function requestFault(question: Question, shape: ModelShape): RequestFault | undefined {
  const { request, self, stem, policy } = question
  const { deadlineMs, minLayers, plan } = policy
  if (!(deadlineMs > 0 && deadlineMs <= DEADLINE_MS_MAX))
    return {
      field: 'deadlineMs',
      message: `the deadline must be above 0 and at most ${DEADLINE_MS_MAX} ms`,
    }
  const layers = plan.length > 0 ? plan.length : shape.layers
  if (!(minLayers >= 0 && minLayers <= layers))
    return { field: 'minLayers', message: `the minimum of layers must be from 0 to ${layers}` }
  const { dtype, bytes } = stem
  const [batch, tokens, width] = stem.shape
  const step = {
    kind: 'step',
    request,
    requester: self,
    endsAtMs: 0,
    era: 0,
    route: [],
    chain: [{ hop: 0, by: undefined, isOpen: true, signature: UNSIGNED }],
    plan,
    activation: { place: 'inline', dtype, batch, tokens, width, bytes },
    input: undefined,
    next: undefined,
    silent: [],
    remainingMs: deadlineMs,
  } as const
  const fault = stepFault(step, self, shape)
  return fault === undefined
    ? undefined
    : { field: 'stem', message: `cannot ask the swarm: ${fault}` }
}
