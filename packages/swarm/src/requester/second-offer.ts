import { type Effect, encoded } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import type { Activation, PeerId, RequestId, Step, TensorHash } from '../wire/messages.ts'

interface Fetch {
  readonly id: JobId
  readonly step: Step
}

/** A tensor that can now be had from the requester, and the step it belongs to. */
export interface SecondOffer {
  readonly step: Step
  readonly activation: Activation
}

/**
 * Offers others' tensors from here: whoever could go on may have no way to the author of the newest
 * step, and everybody in a lane has one to its requester.
 *
 * 1. A request has at most one tensor on its way here for this.
 * 2. What is offered from here is withdrawn when the request ends.
 */
export class SecondOffers {
  private readonly self: PeerId
  private readonly nextJob: () => JobId
  private readonly fetches = new Map<RequestId, Fetch>()
  private readonly requests = new Map<number, RequestId>()
  private readonly held = new Map<RequestId, TensorHash[]>()

  constructor(self: PeerId, nextJob: () => JobId) {
    this.self = self
    this.nextJob = nextJob
  }

  /** Fetches the tensor of a step, unless it is here or on its way. */
  fetch(step: Step): Effect[] {
    const { request, activation } = step
    if (activation.place === 'inline' || activation.holder === this.self) return []
    if (this.fetches.has(request)) return []
    const id = this.nextJob()
    this.fetches.set(request, { id, step })
    this.requests.set(id.number, request)
    return [{ do: 'pull', job: id, tensor: activation, isAwaited: false }]
  }

  /** The step whose tensor a job fetches. */
  stepOf(id: JobId): Step | undefined {
    const request = this.requests.get(id.number)
    return request && this.fetches.get(request)?.step
  }

  /** The tensor is here, or cannot be had. */
  pulled(id: JobId, bytes: Uint8Array | undefined): Effect[] {
    const request = this.requests.get(id.number)
    const fetch = request && this.fetches.get(request)
    if (request === undefined || fetch === undefined) return []
    if (bytes === undefined) {
      this.forget(request)
      return []
    }
    return [{ do: 'prepare', job: id, tensor: encoded(fetch.step.activation, bytes) }]
  }

  /** It can be offered. @returns what is offered; undefined when it could not be kept or nobody waits for it. */
  prepared(id: JobId, activation: Activation | undefined): SecondOffer | undefined {
    const request = this.requests.get(id.number)
    const fetch = request && this.fetches.get(request)
    if (request === undefined || fetch === undefined) return undefined
    this.forget(request)
    return activation && { step: fetch.step, activation }
  }

  /** What is offered from here is kept until the request ends. */
  keep(request: RequestId, { hash }: Extract<Activation, { place: 'held' }>): void {
    const hashes = this.held.get(request)
    if (hashes === undefined) this.held.set(request, [hash])
    else hashes.push(hash)
  }

  /** The request has ended. */
  end(request: RequestId): Effect[] {
    const effects: Effect[] = (this.held.get(request) ?? []).map((hash) => ({
      do: 'withdraw',
      hash,
    }))
    const fetch = this.fetches.get(request)
    if (fetch !== undefined) effects.push({ do: 'cancel', job: fetch.id })
    this.held.delete(request)
    this.forget(request)
    return effects
  }

  private forget(request: RequestId): void {
    const fetch = this.fetches.get(request)
    if (fetch !== undefined) this.requests.delete(fetch.id.number)
    this.fetches.delete(request)
  }
}
