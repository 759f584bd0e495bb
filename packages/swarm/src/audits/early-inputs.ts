import type { CoreEffect } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import type { Activation, RequestId, TensorHash } from '../wire/messages.ts'
import { AUDITS_MAX } from './limits.ts'

/** A tensor that is fetched before it is known what was made of it. */
export interface EarlyInput {
  readonly request: RequestId
  readonly job: JobId
  bytes: Uint8Array | undefined
}

/**
 * Inputs of visits that will be audited for certain, fetched while the visit still runs.
 *
 * 1. At most AUDITS_MAX are kept, none longer than its request.
 */
export class EarlyInputs {
  private readonly byHash = new Map<TensorHash, EarlyInput>()

  /** Fetches one, unless it is here or there is no room. */
  fetch(request: RequestId, activation: Activation, nextJob: () => JobId): CoreEffect[] {
    if (activation.place === 'inline' || this.byHash.has(activation.hash)) return []
    if (this.byHash.size >= AUDITS_MAX) return []
    const job = nextJob()
    this.byHash.set(activation.hash, { request, job, bytes: undefined })
    return [{ do: 'pull', job, tensor: activation, isAwaited: false }]
  }

  /** One is here, or cannot be had. */
  pulled(id: JobId, bytes: Uint8Array | undefined): void {
    for (const [hash, early] of this.byHash)
      if (early.job.number === id.number)
        if (bytes === undefined) this.byHash.delete(hash)
        else early.bytes = bytes
  }

  /** What there is of a tensor; it is somebody else's matter from now on. */
  take(activation: Activation): EarlyInput | undefined {
    if (activation.place === 'inline') return undefined
    const early = this.byHash.get(activation.hash)
    this.byHash.delete(activation.hash)
    return early
  }

  /** A request has ended. */
  end(request: RequestId): CoreEffect[] {
    const effects: CoreEffect[] = []
    for (const [hash, early] of this.byHash) {
      if (early.request !== request) continue
      this.byHash.delete(hash)
      if (early.bytes === undefined) effects.push({ do: 'cancel', job: early.job })
    }
    return effects
  }
}
