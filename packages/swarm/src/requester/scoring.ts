import { softmax, tensor } from '@layerswarm/model'
import { type Effect, encoded } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import type { HeadOutcome } from '../ports.ts'
import type { ClassifyPolicy } from '../request.ts'
import { sameStep, supersedes } from '../step.ts'
import type { PeerId, RequestId, Step } from '../wire/messages.ts'
import { ScoringTime } from './scoring-time.ts'

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
  /** When it was to pull, or to run. */
  readonly sinceMs: number
}

/** A step whose scores cannot be had; `reason`: the engine's own line where it is the head that failed. */
export interface LostScores {
  readonly lost: Step
  readonly reason: string | undefined
}

/** How a head job ended. */
export type Scored = { readonly scores: Scores } | LostScores

/**
 * Runs the head on steps: fetches their tensor and turns it into class scores.
 *
 * 1. A step has at most one head job at a time.
 * 2. Scores belong to the step whose tensor they were computed from. Those of the newest step and those of most
 *    layers are kept until better ones come, and those that came last until others come: a request that went back
 *    within its last era has a step that a scored one supersedes, and it is scored once.
 * 3. A job that was ended is unknown when it comes back.
 */
export class Scoring {
  /** How long all of this takes. */
  readonly time = new ScoringTime()
  private readonly self: PeerId
  private readonly nextJob: () => JobId
  private readonly jobs = new Map<number, HeadJob>()
  private readonly newest = new Map<RequestId, Scores>()
  private readonly best = new Map<RequestId, Scores>()
  private readonly last = new Map<RequestId, Scores>()

  constructor(self: PeerId, nextJob: () => JobId) {
    this.self = self
    this.nextJob = nextJob
  }

  /** The scores of the newest step that has some. */
  of(request: RequestId): Scores | undefined {
    return this.newest.get(request)
  }

  /** The scores that most layers went into. */
  bestOf(request: RequestId): Scores | undefined {
    return this.best.get(request)
  }

  /** The scores of a step, if they are kept. */
  ofStep(step: Step): Scores | undefined {
    const kept = [this.newest, this.best, this.last].map((scored) => scored.get(step.request))
    return kept.find((scores) => scores !== undefined && sameStep(scores.step, step))
  }

  isBusy(request: RequestId): boolean {
    return this.jobsOf(request).length > 0
  }

  /** Whether the head runs, or waits for its engine, over some step of a request. */
  isRunning(request: RequestId): boolean {
    return this.jobsOf(request).some(({ isPulling }) => !isPulling)
  }

  isScoring(step: Step): boolean {
    return this.jobsOf(step.request).some((job) => sameStep(job.step, step))
  }

  /** Whose job this is; undefined when nobody's any more. */
  requestOf(id: JobId): RequestId | undefined {
    return this.jobs.get(id.number)?.step.request
  }

  /** The step of a job. */
  stepOf(id: JobId): Step | undefined {
    return this.jobs.get(id.number)?.step
  }

  /** Scores that somebody had a part in are nothing worth. */
  forget(request: RequestId, liar: PeerId): void {
    for (const kept of [this.newest, this.best])
      if (kept.get(request)?.step.route.some(({ peer }) => peer === liar)) kept.delete(request)
    for (const [number, { step }] of this.jobs)
      if (step.request === request && step.route.some(({ peer }) => peer === liar))
        this.jobs.delete(number)
  }

  /** Begins to score a step. */
  begin(step: Step, nowMs: number): Effect {
    const id = this.nextJob()
    const isPulling = step.activation.place === 'held'
    this.jobs.set(id.number, { id, step, isPulling, sinceMs: nowMs })
    // The author of a last step pushes its output to the requester that it names, but for what was run again.
    const isAwaited = step.next === this.self && !step.isPrivate
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

  /** The tensor is here, or cannot be had. @returns undefined when nobody waits for it any more. */
  pulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): Effect | LostScores | undefined {
    const job = this.jobs.get(id.number)
    if (job === undefined) return undefined
    if (bytes === undefined) {
      this.jobs.delete(id.number)
      return { lost: job.step, reason: undefined }
    }
    this.time.pulled(nowMs - job.sinceMs)
    this.jobs.set(id.number, { ...job, isPulling: false, sinceMs: nowMs })
    return { do: 'run-head', job: id, input: encoded(job.step.activation, bytes) }
  }

  /** The head has run. @returns undefined when nobody waits for it any more. */
  ran(id: JobId, outcome: HeadOutcome, nowMs: number): Scored | undefined {
    const job = this.jobs.get(id.number)
    if (job === undefined) return undefined
    this.jobs.delete(id.number)
    if ('failure' in outcome) return { lost: job.step, reason: outcome.failure }
    this.time.headRan(nowMs - job.sinceMs)
    const { logits } = outcome
    const scores = { step: job.step, logits, probabilities: logits.map(probabilitiesOf) }
    this.keep(scores)
    return { scores }
  }

  /** The request has ended. */
  end(request: RequestId): Effect[] {
    const jobs = this.jobsOf(request)
    for (const { id } of jobs) this.jobs.delete(id.number)
    this.newest.delete(request)
    this.best.delete(request)
    this.last.delete(request)
    return jobs.flatMap(({ id, isPulling }) => (isPulling ? [{ do: 'cancel', job: id }] : []))
  }

  private keep(scores: Scores): void {
    const { request, route } = scores.step
    this.last.set(request, scores)
    const newest = this.newest.get(request)
    if (newest === undefined || !supersedes(newest.step, scores.step))
      this.newest.set(request, scores)
    const best = this.best.get(request)
    if (best === undefined || route.length >= best.step.route.length) this.best.set(request, scores)
  }

  private jobsOf(request: RequestId): HeadJob[] {
    return [...this.jobs.values()].filter(({ step }) => step.request === request)
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
