import type { EngineName } from '@layerswarm/model'
import { boundChain } from '../chain/own-link.ts'
import type { Effect } from '../effects.ts'
import { SAY_AGAIN_MS } from '../limits.ts'
import type { Activation, PeerId, RequestId, Step, TensorHash } from '../wire/messages.ts'
import { type Weighted, weightedBy } from '../wire/weights.ts'
import type { Flight } from './flight.ts'
import type { ProviderOptions } from './options.ts'
import type { Visit } from './visit.ts'

/** What a provider has made of one request. */
interface Made {
  readonly hashes: TensorHash[]
  /** When it last made or published a step of the request, milliseconds. */
  saidAtMs: number
}

/** Whose results they are. */
export type OutputsOptions = Pick<ProviderOptions, 'self' | 'backend' | 'weights'>

/**
 * A provider's own results: the steps that it makes, and the tensors that others may still want when whoever
 * went on is gone.
 *
 * 1. A tensor that it offers is kept until the request ends, and withdrawn then.
 * 2. The step that it makes goes on from the step of the visit, and names its era.
 * 3. A step of its own that was lost on the way is said again, nobody else's, and not twice at once.
 */
export class Outputs {
  private readonly self: PeerId
  private readonly backend: EngineName
  private readonly weighted: Weighted
  private readonly byRequest = new Map<RequestId, Made>()

  constructor({ self, backend, weights }: OutputsOptions) {
    this.self = self
    this.backend = backend
    this.weighted = weightedBy(weights?.release)
  }

  /** What is made ready is kept for others until the request ends. */
  keep({ request }: Flight, activation: Activation): Activation {
    if (activation.place === 'held') this.of(request).hashes.push(activation.hash)
    return activation
  }

  /** The result of the visit is ready: the step that it makes. */
  stepOf({ flight, step, runs }: Visit, activation: Activation, nowMs: number): Step {
    const { self, backend, weighted } = this
    const visited = runs.map(({ layer, ms }) => ({ layer, peer: self, backend, ms, ...weighted }))
    this.of(flight.request).saidAtMs = nowMs
    return {
      ...step,
      route: [...step.route, ...visited],
      chain: boundChain(step),
      activation: this.keep(flight, activation),
      input: step.activation.place === 'held' ? step.activation.hash : undefined,
      next: undefined,
      silent: [],
      remainingMs: flight.remainingMs(nowMs),
    }
  }

  /**
   * The requester is behind: if the newer step is this peer's own, it was lost on the way, so it is said
   * again. Nobody else is answered, and nobody twice: two routes that cross would never fall silent.
   */
  sayAgain(flight: Flight, nowMs: number): Effect[] {
    if (flight.author !== this.self || !flight.isOwn) return []
    const made = this.of(flight.request)
    if (nowMs - made.saidAtMs < SAY_AGAIN_MS) return []
    made.saidAtMs = nowMs
    return [{ do: 'publish', message: flight.message(this.self, nowMs) }]
  }

  /** The request has ended. */
  release(request: RequestId): Effect[] {
    const hashes = this.byRequest.get(request)?.hashes ?? []
    this.byRequest.delete(request)
    return hashes.map((hash) => ({ do: 'withdraw', hash }))
  }

  private of(request: RequestId): Made {
    let made = this.byRequest.get(request)
    if (made === undefined) {
      made = { hashes: [], saidAtMs: Number.NEGATIVE_INFINITY }
      this.byRequest.set(request, made)
    }
    return made
  }
}
