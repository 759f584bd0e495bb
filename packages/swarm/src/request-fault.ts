import { activationBytes, type EncodedActivation } from '@layerswarm/model'
import { UNSIGNED } from './chain/statement.ts'
import { stepFault } from './gate/step-fault.ts'
import { DEADLINE_MS_MAX } from './limits.ts'
import type { ClassifyPolicy } from './request.ts'
import { isInOwnOrder, type ModelShape } from './step.ts'
import type { Activation, PeerId, RequestId, TensorHash } from './wire/messages.ts'

/** What is wrong with a request before it is sent: which of its fields, and one line for people. */
export interface RequestFault {
  readonly field: string
  readonly message: string
}

/** Who asks for what. */
export interface Question {
  readonly request: RequestId
  readonly self: PeerId
  /** The stem's output, (B, T, C); undefined while the stem is still to run. */
  readonly stem: EncodedActivation | undefined
  readonly policy: ClassifyPolicy
}

/** Why nobody in a swarm of this model could answer a request; undefined when somebody could. */
export function requestFault(question: Question, shape: ModelShape): RequestFault | undefined {
  const { request, self, policy } = question
  const { deadlineMs, minLayers, plan } = policy
  if (!(deadlineMs > 0 && deadlineMs <= DEADLINE_MS_MAX))
    return {
      field: 'deadlineMs',
      message: `the deadline must be above 0 and at most ${DEADLINE_MS_MAX} ms`,
    }
  const layers = plan.length > 0 ? plan.length : shape.layers
  if (!(minLayers >= 0 && minLayers <= layers))
    return { field: 'minLayers', message: `the minimum of layers must be from 0 to ${layers}` }
  if (shape.keepsOrder === true && !isInOwnOrder(plan))
    return {
      field: 'plan',
      message:
        'this release keeps its order: its layers run first to last, and some may be left out',
    }
  const rounds = roundsFault(policy, shape)
  if (rounds !== undefined) return { field: 'rounds', message: rounds }
  const step = {
    kind: 'step',
    request,
    requester: self,
    endsAtMs: 0,
    era: 0,
    route: [],
    chain: [{ hop: 0, by: undefined, isOpen: true, tensor: undefined, signature: UNSIGNED }],
    plan,
    activation: firstTensor(question, shape),
    input: undefined,
    next: undefined,
    silent: [],
    barred: [],
    isPrivate: false,
    remainingMs: deadlineMs,
  } as const
  const fault = stepFault(step, self, shape)
  return fault === undefined
    ? undefined
    : { field: 'stem', message: `cannot ask the swarm: ${fault}` }
}

/** What is wrong with the rounds that are asked for; undefined for nothing. */
function roundsFault(
  { rounds, plan, stopAtConfidence }: ClassifyPolicy,
  { layers, keepsOrder }: ModelShape,
): string | undefined {
  if (rounds === 'off' || rounds === 'auto') return undefined
  if (keepsOrder === true)
    return 'this release keeps its order: its layers run one after another and not in rounds'
  if (!rounds.every((size) => Number.isInteger(size) && size > 0))
    return 'a round has one layer at least'
  const sum = rounds.reduce((a, b) => a + b, 0)
  if (sum !== layers)
    return `rounds of ${rounds.join('+')} take ${sum} layers, and this model has ${layers}`
  if (plan.length > 0) return 'layers in a given order run one after another and not in rounds'
  if (stopAtConfidence !== undefined) return 'rounds do not stop at a confidence'
  return undefined
}

/** What the stem gave, or what it would of one image. */
function firstTensor({ stem, self }: Question, { tokens, width }: ModelShape): Activation {
  const dtype = stem?.dtype ?? 'float16'
  const [batch, ...each] = stem?.shape ?? ([1, tokens, width] as const)
  const size = stem?.bytes.length ?? activationBytes(dtype, [batch, ...each])
  const [itsTokens, itsWidth] = each
  const held = { place: 'held', holder: self, hash: '' as TensorHash } as const
  return { ...held, dtype, batch, tokens: itsTokens, width: itsWidth, size }
}
