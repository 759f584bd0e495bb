import { softmax, tensor } from '@layerswarm/model'
import { type Effect, encoded } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import type { HeadOutcome } from '../ports.ts'
import type { ClassifyPolicy } from '../request.ts'
import type { PeerId, RequestId, Step } from '../wire/messages.ts'

/** Class scores of a step, one row per image. */
export interface Scores {
  readonly step: Step
  readonly logits: readonly (readonly number[])[]
  readonly probabilities: readonly (readonly number[])[]
}

/** The head on its way over a step. */
interface HeadJob {
  readonly id: JobId
  readonly step: Step
  readonly isPulling: boolean
}

/** How a head job ended. */
export type Scored = { readonly scores: Scores } | { readonly lost: Step }

/**
 * Runs the head on steps: fetches their tensor and turns it into class scores.
 *
 * 1. A request has at most one head job at a time.
 * 2. Scores belong to the step whose tensor they were computed from, and are kept until newer ones come.
 * 3. A job that was ended is unknown when it comes back.
 */
export class Scoring {
  private readonly self: PeerId
  private readonly nextJob: () => JobId
  private readonly jobs = new Map<RequestId, HeadJob>()
  private readonly requests = new Map<number, RequestId>()
  private readonly newest = new Map<RequestId, Scores>()

  constructor(self: PeerId, nextJob: () => JobId) {
    this.self = self
    this.nextJob = nextJob
  }

  /** The newest scores of a request. */
  of(request: RequestId): Scores | undefined {
    return this.newest.get(request)
  }

  isBusy(request: RequestId): boolean {
    return this.jobs.has(request)
  }

  /** Whose job this is; undefined when nobody's any more. */
  requestOf(id: JobId): RequestId | undefined {
    return this.requests.get(id.number)
  }

  /** Begins to score a step. */
  begin(step: Step): Effect {
    const id = this.nextJob()
    const isPulling = step.activation.place === 'held'
    this.jobs.set(step.request, { id, step, isPulling })
    this.requests.set(id.number, step.request)
    // The author of a last step pushes its output to the requester that it names.
    const isAwaited = step.next === this.self
    if (step.activation.place === 'held')
      return { do: 'pull', job: id, tensor: step.activation, isAwaited }
    return { do: 'run-head', job: id, input: encoded(step.activation, step.activation.bytes) }
  }

  /** Jobs that wait for a tensor of this peer. */
  pullingFrom(peer: PeerId): JobId[] {
    return [...this.jobs.values()]
      .filter(({ step: { activation }, isPulling }) => {
        return isPulling && activation.place === 'held' && activation.holder === peer
      })
      .map(({ id }) => id)
  }

  /** The tensor is here, or cannot be had. @returns what to do next, or the step whose scores are lost. */
  pulled(id: JobId, bytes: Uint8Array | undefined): Effect | { readonly lost: Step } | undefined {
    const request = this.requestOf(id)
    const job = request && this.jobs.get(request)
    if (request === undefined || job === undefined) return undefined
    if (bytes === undefined) {
      this.forget(request)
      return { lost: job.step }
    }
    this.jobs.set(request, { ...job, isPulling: false })
    return { do: 'run-head', job: id, input: encoded(job.step.activation, bytes) }
  }

  /** The head has run. @returns undefined when nobody waits for it any more. */
  ran(id: JobId, outcome: HeadOutcome): Scored | undefined {
    const request = this.requestOf(id)
    const job = request && this.jobs.get(request)
    if (request === undefined || job === undefined) return undefined
    this.forget(request)
    if ('failure' in outcome) return { lost: job.step }
    const { logits } = outcome
    const scores = { step: job.step, logits, probabilities: logits.map(probabilitiesOf) }
    this.newest.set(request, scores)
    return { scores }
  }

  /** The request has ended. */
  end(request: RequestId): Effect[] {
    const job = this.jobs.get(request)
    this.forget(request)
    this.newest.delete(request)
    return job?.isPulling === true ? [{ do: 'cancel', job: job.id }] : []
  }

  private forget(request: RequestId): void {
    const job = this.jobs.get(request)
    if (job !== undefined) this.requests.delete(job.id.number)
    this.jobs.delete(request)
  }
}

/** Class scores of one image → probabilities that sum to 1. */
function probabilitiesOf(logits: readonly number[]): number[] {
  return Array.from(softmax(tensor([logits.length], Float32Array.from(logits))).data)
}

/** Whether every image of the batch is decided, after enough layers. */
export function isConfident(
  { step, probabilities }: Scores,
  { stopAtConfidence, minLayers }: ClassifyPolicy,
): boolean {
  if (stopAtConfidence === undefined || step.route.length < minLayers) return false
  return probabilities.every((row) => Math.max(...row) >= stopAtConfidence)
}
