import type { EngineName } from '@layerswarm/model'
import { claimTtlMs } from '../claims/claim-ttl.ts'
import { type Effect, encoded } from '../effects.ts'
import { CLAIM_TTL_MS_MAX, SAY_AGAIN_MS, SILENT_CLAIM_MS } from '../limits.ts'
import type { LayerOutcome } from '../ports.ts'
import { heldBytes } from '../step.ts'
import type { Activation, Claim, PeerId, Step } from '../wire/messages.ts'
import type { ClaimBook } from './claim-book.ts'
import type { Flight } from './flight.ts'
import {
  AT_WORK_MS,
  OVERDUE_FACTOR,
  RENEWAL_MS_MAX,
  RENEWAL_SHARE,
  TRANSFER_FACTOR,
} from './limits.ts'
import type { Outputs } from './outputs.ts'
import type { Pace } from './pace.ts'
import type { OwnOffer, Rivals } from './rivals.ts'
import type { Scout } from './scout.ts'
import type { Visit, Work } from './work.ts'

/** Whose service, of which model, and how it picks the layers of a visit. */
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
  readonly scout: Scout
}

/**
 * Carries out what a provider has claimed or was named for: says so, obtains the tensor, runs the layers
 * one after the other, makes the result ready and forms the next step.
 *
 * 1. A claim, its release and the next step name the era and the hop of the step that was claimed.
 * 2. Work that will be done sooner than a claim crosses the lane is not claimed in words.
 * 3. Between two layers it looks whether the visit still stands.
 */
export class Serving {
  private readonly options: ServingOptions
  private readonly needs: ServingNeeds

  constructor(options: ServingOptions, needs: ServingNeeds) {
    this.options = options
    this.needs = needs
  }

  /** Takes layers of a step that nobody is named for. @param offer what this provider really expects of itself. */
  claim(flight: Flight, layers: readonly number[], offer: OwnOffer, nowMs: number): Effect[] {
    const expectedMs =
      this.needs.rivals.ownFinishMs(flight, offer) + (layers.length - 1) * offer.layerMs
    const ttlMs = claimTtlMs(expectedMs)
    const visit = this.begin(flight, layers, ttlMs, nowMs)
    const message = claimOf(flight, visit.layers[0], ttlMs)
    const said: Effect[] = expectedMs > SILENT_CLAIM_MS ? [{ do: 'publish', message }] : []
    return said.concat(this.obtain(visit, false, nowMs))
  }

  /** Takes layers of a step that names this provider: only those who wait for it are told. */
  accept(flight: Flight, layers: readonly number[], nowMs: number): Effect[] {
    const { work } = this.needs
    const travelMs = this.travelMs(flight)
    const runMs = (work.size + layers.length) * this.expectedLayerMs()
    const ttlMs = AT_WORK_MS + TRANSFER_FACTOR * travelMs + runMs
    const visit = this.begin(flight, layers, ttlMs, nowMs)
    const said = travelMs + runMs > SILENT_CLAIM_MS ? this.atWork(visit, ttlMs) : []
    return said.concat(this.obtain(visit, true, nowMs))
  }

  /** The newest tensor on its way here, behind those that are, milliseconds. */
  private travelMs({ newest, author }: Flight): number {
    const bytes = heldBytes(newest)
    const { scout, work } = this.needs
    return (
      bytes / scout.uploadBytesPerMs(author ?? newest.requester) +
      ((work.pulling + 1) * bytes) / scout.downloadBytesPerMs(this.options.self)
    )
  }

  /** This provider is named only to pass the tensor on: it fetches it, to offer it from here. */
  relay(flight: Flight): Effect[] {
    const { activation, route } = flight.newest
    // A first step is its requester's to say: named for it by mistake, as by a layer dropped meanwhile.
    if (activation.place !== 'held' || route.length === 0) return this.decline(flight)
    const travelMs = this.travelMs(flight)
    const visit = this.needs.work.begin(flight, [])
    const said =
      travelMs > SILENT_CLAIM_MS ? this.atWork(visit, AT_WORK_MS + TRANSFER_FACTOR * travelMs) : []
    return said.concat({ do: 'pull', job: visit.id, tensor: activation, isAwaited: true })
  }

  /** What is made ready is kept for others until the request ends. */
  kept({ request }: Flight, activation: Activation): Activation {
    if (activation.place === 'held') this.needs.outputs.keep(request, activation.hash)
    return activation
  }

  /** This provider will not do what it was named for. */
  decline(flight: Flight): Effect[] {
    flight.declinedBy(this.options.self)
    return this.tell(flight, claimOf(flight, undefined, 0))
  }

  /** The tensor is here. */
  run(visit: Visit, bytes: Uint8Array, nowMs: number): Effect[] {
    const { flight } = visit
    if (visit.layers.length === 0)
      return [{ do: 'prepare', job: visit.id, tensor: encoded(flight.newest.activation, bytes) }]
    this.needs.work.runBegan(visit, nowMs)
    const runMs = (this.needs.work.size - 1 + visit.layers.length) * this.expectedLayerMs()
    const isLong = this.isNamed(flight) && runMs > 2 * SILENT_CLAIM_MS
    visit.renewAtMs = nowMs + Math.min(Math.max(SILENT_CLAIM_MS, 2 * runMs), RENEWAL_MS_MAX)
    const said = isLong ? this.atWork(visit, AT_WORK_MS + TRANSFER_FACTOR * runMs) : []
    return said.concat(this.runNext(visit, encoded(flight.newest.activation, bytes)))
  }

  /**
   * The tensor cannot be had: tells the others not to wait for this peer, and that it is lost, unless there
   * was no way to it from here.
   */
  giveUp(visit: Visit): Effect[] {
    const { flight, isReached: lost } = visit
    this.needs.work.forget(visit)
    this.needs.claims.free(flight.request)
    flight.declinedBy(this.options.self)
    if (lost) flight.pullFailed()
    else flight.outOfReach()
    const message = { ...claimOf(flight, visit.layers[0], 0), lost }
    return this.isNamed(flight) ? this.tell(flight, message) : [{ do: 'publish', message }]
  }

  /** A layer of the visit has run: the next one, or the result is made ready. */
  ran(visit: Visit, run: Extract<LayerOutcome, { ms: number }>): Effect[] {
    const { runs, layers, id, flight } = visit
    runs.push({ layer: layers[runs.length] as number, ms: run.ms })
    this.needs.pace.ran(run.ms, true)
    const left = layers.length - runs.length
    if (left === 0) return [{ do: 'prepare', job: id, tensor: run.activation }]
    const isLong = this.isNamed(flight) && left * run.ms > 2 * SILENT_CLAIM_MS
    const said = isLong ? this.atWork(visit, AT_WORK_MS + TRANSFER_FACTOR * left * run.ms) : []
    return said.concat(this.runNext(visit, run.activation))
  }

  /** Visits that take longer than they should: whoever waits for them hears that they live. */
  overdue(nowMs: number): Effect[] {
    return this.needs.work.overdue(nowMs).flatMap((visit) => {
      const ttlMs = AT_WORK_MS + OVERDUE_FACTOR * (nowMs - (visit.beganAtMs ?? nowMs))
      visit.renewAtMs = nowMs + Math.min(RENEWAL_SHARE * ttlMs, RENEWAL_MS_MAX)
      return this.atWork(visit, ttlMs)
    })
  }

  /** The result of the visit is ready: the step that it makes. */
  stepOf({ flight, step, runs }: Visit, activation: Activation, nowMs: number): Step {
    const { request } = flight
    const { self, backend } = this.options
    const route = [
      ...step.route,
      ...runs.map(({ layer, ms }) => ({ layer, peer: self, backend, ms })),
    ]
    if (activation.place === 'held') this.needs.outputs.keep(request, activation.hash)
    flight.said(nowMs)
    return {
      ...step,
      route,
      activation,
      input: step.activation.place === 'held' ? step.activation.hash : undefined,
      next: undefined,
      remainingMs: flight.remainingMs(nowMs),
    }
  }

  /** What a finished visit reports. */
  reports({ flight, runs, hop }: Visit): Effect[] {
    const { request } = flight
    return runs.map(({ layer, ms }, i) => ({
      do: 'report',
      event: { type: 'hop-served', request, hop: hop + i, layer, ms },
    }))
  }

  /** The engine failed before anything was done: others may take the step. */
  failed(visit: Visit, reason: string): Effect[] {
    const { flight, layers, hop, runs } = visit
    const { request } = flight
    flight.letDownBy(this.options.self)
    this.needs.claims.free(request)
    const layer = layers[runs.length] ?? 0
    const message = claimOf(flight, layer, 0)
    return [
      ...(this.isNamed(flight)
        ? this.tell(flight, message)
        : [{ do: 'publish', message } as const]),
      {
        do: 'report',
        event: { type: 'hop-failed', request, hop: hop + runs.length, layer, reason },
      },
    ]
  }

  /**
   * The requester is behind: if the newer step is this peer's own, it was lost on the way, so it is said
   * again. Nobody else is answered, and nobody twice: two routes that cross would never fall silent.
   */
  sayAgain(flight: Flight, nowMs: number): Effect[] {
    if (flight.author !== this.options.self || flight.silentMs(nowMs) < SAY_AGAIN_MS) return []
    flight.said(nowMs)
    return [{ do: 'publish', message: flight.message(nowMs) }]
  }

  private begin(flight: Flight, layers: readonly number[], ttlMs: number, nowMs: number): Visit {
    const { activation } = flight.newest
    const isReached = activation.place === 'inline' || this.needs.scout.reaches(activation.holder)
    const visit = this.needs.work.begin(flight, layers, isReached)
    this.needs.claims.put(flight.request, this.options.self, nowMs + ttlMs)
    return visit
  }

  private obtain(visit: Visit, isAwaited: boolean, nowMs: number): Effect[] {
    const { activation } = visit.flight.newest
    return activation.place === 'held'
      ? [{ do: 'pull', job: visit.id, tensor: activation, isAwaited }]
      : this.run(visit, activation.bytes, nowMs)
  }

  private runNext(
    { id, layers, runs, hop }: Visit,
    input: Extract<Effect, { do: 'run-layer' }>['input'],
  ): Effect[] {
    const layer = layers[runs.length] as number
    return [{ do: 'run-layer', job: id, layer, hop: hop + runs.length, input }]
  }

  /** "I am at it", to whoever named this provider and to the requester. */
  private atWork({ flight, layers, runs }: Visit, ttlMs: number): Effect[] {
    return this.tell(
      flight,
      claimOf(flight, layers[runs.length], Math.min(CLAIM_TTL_MS_MAX, ttlMs)),
    )
  }

  private tell(flight: Flight, message: Claim): Effect[] {
    const { requester } = flight.newest
    const to = new Set([flight.author ?? requester, requester])
    to.delete(this.options.self)
    return to.size === 0 ? [] : [{ do: 'tell', message, to: [...to] }]
  }

  private isNamed(flight: Flight): boolean {
    return flight.newest.next === this.options.self
  }

  /** One layer run before the first was measured: as others of the lane say. */
  private expectedLayerMs(): number {
    const { pace, scout } = this.needs
    return pace.isMeasured ? pace.layerMs : Math.max(pace.layerMs, scout.usualLayerMs())
  }
}

/** A claim on the newest step; with a time to live of 0 the end of one. */
export function claimOf(
  { request, newest }: Flight,
  layer: number | undefined,
  ttlMs: number,
): Claim {
  const { era, route } = newest
  return { kind: 'claim', request, era, hop: route.length, layer: layer ?? 0, ttlMs, lost: false }
}
