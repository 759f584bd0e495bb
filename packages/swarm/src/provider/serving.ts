import { isChainFull } from '../chain/signers.ts'
import { claimTtlMs } from '../claims/claim-ttl.ts'
import { type Effect, encoded } from '../effects.ts'
import { SILENT_CLAIM_MS } from '../limits.ts'
import type { Ways } from '../presence/ways.ts'
import { heldBytes } from '../step.ts'
import type { PeerId } from '../wire/messages.ts'
import type { ClaimBook } from './claim-book.ts'
import type { Flight } from './flight.ts'
import { AT_WORK_MS, LONG_RUN_MS, TRANSFER_FACTOR } from './limits.ts'
import type { Notices } from './notices.ts'
import type { Pace } from './pace.ts'
import type { OwnOffer, Rivals } from './rivals.ts'
import type { Scout } from './scout.ts'
import type { Visit } from './visit.ts'
import type { Work } from './work.ts'

/** What serving works with; all of it is shared with the provider's other parts. */
export interface ServingNeeds {
  readonly work: Work
  readonly pace: Pace
  readonly claims: ClaimBook
  readonly notices: Notices
  readonly rivals: Rivals
  readonly scout: Scout
  readonly ways: Ways
}

/**
 * Takes on what a provider has claimed or was named for: says so, obtains the tensor, starts the engine.
 * What becomes of it then is the matter of `Visits`.
 *
 * 1. Whatever it takes on holds a claim of this provider's own, unless it only passes the tensor on.
 * 2. Work that will be done sooner than a claim crosses the lane is not claimed in words.
 * 3. A tensor in the message is run at once; any other is pulled, once.
 */
export class Serving {
  private readonly self: PeerId
  private readonly needs: ServingNeeds

  constructor(self: PeerId, needs: ServingNeeds) {
    this.self = self
    this.needs = needs
  }

  /** Takes layers of a step that nobody is named for. @param offer what this provider really expects of itself. */
  claim(flight: Flight, layers: readonly number[], offer: OwnOffer, nowMs: number): Effect[] {
    const expectedMs =
      this.needs.rivals.ownFinishMs(flight, offer) + (layers.length - 1) * offer.layerMs
    const ttlMs = claimTtlMs(expectedMs)
    const visit = this.begin(flight, layers, ttlMs, nowMs)
    const said = expectedMs > SILENT_CLAIM_MS ? this.needs.notices.claimed(visit, ttlMs) : []
    return said.concat(this.obtain(visit, false, nowMs))
  }

  /** Takes layers of a step that names this provider: only those who wait for it are told. */
  accept(flight: Flight, layers: readonly number[], nowMs: number): Effect[] {
    const { work, notices } = this.needs
    const travelMs = this.travelMs(flight)
    const runMs = (work.size + layers.length) * this.expectedLayerMs()
    const ttlMs = AT_WORK_MS + TRANSFER_FACTOR * travelMs + runMs
    const visit = this.begin(flight, layers, ttlMs, nowMs)
    const said = travelMs + runMs > SILENT_CLAIM_MS ? notices.atWork(visit, ttlMs) : []
    return said.concat(this.obtain(visit, true, nowMs))
  }

  /** This provider is named only to pass the tensor on: it fetches it, to offer it from here. */
  relay(flight: Flight): Effect[] {
    const { activation, route } = flight.newest
    // A first step is its requester's to say: named for it by mistake, as by a layer dropped meanwhile.
    if (activation.place !== 'held' || route.length === 0) return this.decline(flight)
    // The others would refuse what this member says.
    if (isChainFull(flight.newest)) return this.decline(flight)
    const { work, notices } = this.needs
    const travelMs = this.travelMs(flight)
    const visit = work.begin(flight, [])
    const ttlMs = AT_WORK_MS + TRANSFER_FACTOR * travelMs
    const said = travelMs > SILENT_CLAIM_MS ? notices.atWork(visit, ttlMs) : []
    return said.concat({ do: 'pull', job: visit.id, tensor: activation, isAwaited: true })
  }

  /** This provider will not do what it was named for. */
  decline(flight: Flight): Effect[] {
    flight.doubts.declinedBy(this.self)
    return this.needs.notices.declined(flight)
  }

  /** The tensor is here. */
  run(visit: Visit, bytes: Uint8Array, nowMs: number): Effect[] {
    const tensor = encoded(visit.step.activation, bytes)
    if (visit.isRelay) return [visit.next(tensor)]
    const { work, notices } = this.needs
    const runMs = (work.size - 1 + visit.left) * this.expectedLayerMs()
    work.runBegan(visit, runMs, nowMs)
    const said = runMs > LONG_RUN_MS ? notices.runsOn(visit, runMs) : []
    return [...said, visit.next(tensor)]
  }

  private begin(flight: Flight, layers: readonly number[], ttlMs: number, nowMs: number): Visit {
    const { activation } = flight.newest
    const { ways, work, claims } = this.needs
    const isReached = activation.place === 'inline' || ways.reaches(activation.holder)
    const visit = work.begin(flight, layers, isReached)
    claims.put(flight.request, this.self, nowMs + ttlMs)
    return visit
  }

  /** @param isNamed the author of the step sends its tensor, where that has it. */
  private obtain(visit: Visit, isNamed: boolean, nowMs: number): Effect[] {
    const { activation, requester } = visit.step
    const author = visit.flight.author ?? requester
    return activation.place === 'held'
      ? [
          {
            do: 'pull',
            job: visit.id,
            tensor: activation,
            isAwaited: isNamed && (activation.holder === author || !visit.step.isPrivate),
          },
        ]
      : this.run(visit, activation.bytes, nowMs)
  }

  /** The newest tensor on its way here, behind those that are, milliseconds. */
  private travelMs({ newest, author }: Flight): number {
    const bytes = heldBytes(newest)
    const { ways, work } = this.needs
    return (
      bytes / ways.uploadBytesPerMs(author ?? newest.requester) +
      ((work.pulling + 1) * bytes) / ways.downloadBytesPerMs(this.self)
    )
  }

  /** One layer run before the first was measured: as others of the lane say. */
  private expectedLayerMs(): number {
    const { pace, scout } = this.needs
    return pace.expectedMs(() => scout.usualLayerMs())
  }
}
