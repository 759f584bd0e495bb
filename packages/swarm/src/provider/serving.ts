import type { EngineName } from '@layerswarm/model'
import { claimTtlMs } from '../claims/claim-ttl.ts'
import { type Effect, encoded, type LayerRun } from '../effects.ts'
import { SAY_AGAIN_MS, SILENT_CLAIM_MS } from '../limits.ts'
import type { PeerId, Step } from '../wire/messages.ts'
import type { ClaimBook } from './claim-book.ts'
import type { Flight } from './flight.ts'
import type { Outputs } from './outputs.ts'
import type { Pace } from './pace.ts'
import type { OwnOffer, Rivals } from './rivals.ts'
import type { LayerJob, Work } from './work.ts'

/** How a provider signs the layers that it has run. */
export interface ServingOptions {
  readonly self: PeerId
  readonly backend: EngineName
}

/** What serving works with; all of it is shared with the provider's other parts. */
export interface ServingNeeds {
  readonly work: Work
  readonly pace: Pace
  readonly claims: ClaimBook
  readonly outputs: Outputs
  readonly rivals: Rivals
}

/**
 * Carries out what a provider has claimed: says so, obtains the tensor, runs the layer, publishes the
 * next step.
 *
 * 1. A claim, its release and the next step name the era and the hop of the step that was claimed.
 * 2. Work that will be done sooner than a claim crosses the lane is not claimed in words.
 */
export class Serving {
  private readonly options: ServingOptions
  private readonly needs: ServingNeeds

  constructor(options: ServingOptions, needs: ServingNeeds) {
    this.options = options
    this.needs = needs
  }

  /** Takes a layer of the flight's newest step. @param offer what this provider really expects of itself. */
  claim(flight: Flight, layer: number, offer: OwnOffer, nowMs: number): Effect[] {
    const { request, newest } = flight
    const { era, route, activation } = newest
    const expectedMs = this.needs.rivals.ownFinishMs(flight, offer)
    const ttlMs = claimTtlMs(expectedMs)
    const job = this.needs.work.begin(flight, layer)
    this.needs.claims.put(request, { peer: this.options.self, untilMs: nowMs + ttlMs })
    const claim = { kind: 'claim', request, era, hop: route.length, layer, ttlMs } as const
    const said: Effect[] = expectedMs > SILENT_CLAIM_MS ? [{ do: 'publish', message: claim }] : []
    if (activation.place === 'held')
      return [...said, { do: 'pull', job: job.id, tensor: activation }]
    return [...said, this.run(job, activation.bytes, nowMs)]
  }

  /** The tensor is here. */
  run(job: LayerJob, bytes: Uint8Array, nowMs: number): Effect {
    this.needs.work.runBegan(job, nowMs)
    const { id, flight, layer, hop } = job
    const input = encoded(flight.newest.activation, bytes)
    return { do: 'run-layer', job: id, layer, hop, input }
  }

  /** The tensor cannot be had from here: tells the others not to wait for this peer. */
  giveUp(job: LayerJob): Effect {
    const { flight, layer } = job
    this.needs.work.forget(job)
    this.needs.claims.free(flight.request)
    flight.declinedBy(this.options.self)
    flight.pullFailed()
    return release(flight, layer)
  }

  /** The layer has run: the next step is the result, the receipt and the next offer. */
  delivered(job: LayerJob, run: Extract<LayerRun, { ms: number }>, nowMs: number): Effect[] {
    const { flight, layer, hop } = job
    const { request, newest } = flight
    const { activation, ms } = run
    const { self, backend } = this.options
    this.needs.pace.ran(ms, true)
    if (activation.place === 'held')
      this.needs.outputs.keep(request, { hash: activation.hash, hop: hop + 1 })
    flight.said(nowMs)
    const step: Step = {
      ...newest,
      route: [...newest.route, { layer, peer: self, backend, ms }],
      activation,
      remainingMs: flight.remainingMs(nowMs),
    }
    return [
      { do: 'publish', message: step },
      { do: 'report', event: { type: 'hop-served', request, hop, layer, ms } },
    ]
  }

  /** The engine failed: others may take the step. */
  failed({ flight, layer, hop }: LayerJob, reason: string): Effect[] {
    const { request } = flight
    flight.letDownBy(this.options.self)
    this.needs.claims.free(request)
    return [
      release(flight, layer),
      { do: 'report', event: { type: 'hop-failed', request, hop, layer, reason } },
    ]
  }

  /**
   * A run ended that nobody will ask for. How slow it was still counts, or a straggler whose runs all
   * come too late would go on to believe that it is quick.
   */
  superseded(outcome: LayerRun): Effect[] {
    if ('failure' in outcome) return []
    this.needs.pace.ran(outcome.ms, false)
    const { activation } = outcome
    return activation.place === 'held' ? [{ do: 'withdraw', hash: activation.hash }] : []
  }

  /**
   * The requester is behind: if the newer step is this peer's own, it was lost on the way, so it is said
   * again. Nobody else is answered, and nobody twice: two routes that cross would never fall silent.
   */
  sayAgain(flight: Flight, nowMs: number): Effect[] {
    if (flight.author !== this.options.self || flight.silentMs(nowMs) < SAY_AGAIN_MS) return []
    flight.said(nowMs)
    const message = { ...flight.newest, remainingMs: flight.remainingMs(nowMs) }
    return [{ do: 'publish', message }]
  }
}

/** A claim that ends the author's own. */
function release({ request, newest }: Flight, layer: number): Effect {
  const { era, route } = newest
  const hop = route.length
  return { do: 'publish', message: { kind: 'claim', request, era, hop, layer, ttlMs: 0 } }
}
