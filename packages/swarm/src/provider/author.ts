import type { Conduct } from '../claims/conduct.ts'
import { has } from '../claims/layer-set.ts'
import type { ClaimPolicy, Favourite } from '../claims/policy.ts'
import type { Strangers } from '../claims/strangers.ts'
import type { Effect } from '../effects.ts'
import type { PeerTable } from '../presence/peer-table.ts'
import type { Ways } from '../presence/ways.ts'
import {
  authorBefore,
  heldBytes,
  isComplete,
  isHolder,
  type ModelShape,
  openLayers,
} from '../step.ts'
import type { Claim, PeerId } from '../wire/messages.ts'
import type { ClaimBook } from './claim-book.ts'
import type { Flight } from './flight.ts'
import type { HandOver, HandOvers } from './hand-over.ts'
import { layersNext } from './layers-next.ts'
import type { Patience } from './patience.ts'
import type { Scout } from './scout.ts'

/** Who hands over, which model, by which policy. */
export interface AuthorOptions {
  readonly self: PeerId
  readonly shape: ModelShape
  readonly policy: ClaimPolicy
}

/** What an author works with; all of it is shared with the provider's other parts. */
export interface AuthorNeeds {
  readonly handOvers: HandOvers
  readonly patience: Patience
  readonly scout: Scout
  readonly claims: ClaimBook
  readonly conduct: Conduct
  readonly strangers: Strangers
  readonly table: PeerTable
  readonly ways: Ways
}

/**
 * Hands this member's newest steps over: chooses who goes on, says so, sends the tensor, and chooses
 * again when whoever was chosen is silent or declines.
 *
 * 1. The favourite that a step names is whom this member has chosen for it, or the requester of a complete one.
 * 2. Choose, tell, then push: whoever is sent a tensor knows why before its first byte.
 * 3. With no choice left, or nobody to choose, the step is left to whoever answers first.
 * 4. A favourite that says it is at work is waited for as long as it says, however often it says so, but no
 *    longer than its work may take.
 */
export class Author {
  private readonly options: AuthorOptions
  private readonly needs: AuthorNeeds

  constructor(options: AuthorOptions, needs: AuthorNeeds) {
    this.options = options
    this.needs = needs
  }

  /** The flight's newest step is this member's own, made just now or in a new era: somebody is to go on with it. */
  handOver(flight: Flight, nowMs: number): Effect[] {
    return this.next(flight, this.needs.handOvers.begin(flight.request), nowMs)
  }

  /** Somebody has gone on, or the flight is another's: this member answers for it no longer. */
  ended({ request }: Flight, by: PeerId | undefined): void {
    const handOver = this.needs.handOvers.end(request)
    if (handOver?.isTrial && handOver.chosen === by && by !== undefined)
      this.needs.strangers.tried(true)
  }

  /** News of whom this member chose. @returns undefined when the claim is another's. */
  onClaim(flight: Flight, from: PeerId, claim: Claim, nowMs: number): Effect[] | undefined {
    const { ttlMs } = claim
    const { handOvers, patience, claims } = this.needs
    const { request } = flight
    const handOver = handOvers.of(flight)
    if (handOver === undefined || handOver.chosen !== from) return undefined
    if (ttlMs === 0) {
      // The tensor is here: whoever calls it lost has broken its word as if it had said nothing.
      if (claim.lost) this.needs.conduct.expired(from, nowMs)
      return this.declined(flight, from, nowMs)
    }
    // What still waits for this member's own uplink the claimer cannot know.
    const waitsMs = patience.backlogMs(nowMs)
    const mostMs = patience.mostMs(from, handOver)
    handOver.waitUntil(claims.claimed(request, from, ttlMs + waitsMs, mostMs + waitsMs, nowMs))
    return []
  }

  /** Whom this member chose will not go on, or gives the step back: the next one. */
  declined(flight: Flight, from: PeerId, nowMs: number): Effect[] {
    const { handOvers, claims } = this.needs
    const handOver = handOvers.of(flight)
    if (handOver === undefined || handOver.chosen !== from) return []
    flight.doubts.declinedBy(from)
    claims.free(flight.request)
    handOver.release()
    return this.next(flight, handOver, nowMs)
  }

  /** Whom this member chose has said nothing, or is gone: the next one. */
  silent(flight: Flight, nowMs: number): Effect[] {
    const { handOvers, claims, strangers } = this.needs
    const handOver = handOvers.of(flight)
    if (handOver === undefined) return []
    const { chosen, isTrial } = handOver
    handOver.release()
    claims.free(flight.request)
    if (chosen !== undefined && chosen !== this.options.self) {
      flight.doubts.letDownBy(chosen)
      this.doubt(chosen, nowMs)
      if (isTrial) strangers.tried(false)
    }
    return this.next(flight, handOver, nowMs)
  }

  /**
   * Somebody was silent; twice since it was last heard, and it counts as gone until it is heard again, unless
   * nobody else hosts what it does: a busy host is better than none.
   */
  private doubt(peer: PeerId, nowMs: number): void {
    const { conduct, table } = this.needs
    const heardAtMs = table.get(peer)?.heardAtMs ?? Number.POSITIVE_INFINITY
    if (conduct.isSuspect(peer, heardAtMs) && !table.isNeeded(peer)) table.forget(peer)
    conduct.expired(peer, nowMs)
  }

  /** The first choice for a step, or another one. */
  private next(flight: Flight, handOver: HandOver, nowMs: number): Effect[] {
    const { layers } = this.options.shape
    if (isComplete(flight.newest, layers)) return this.deliver(flight, handOver, nowMs)
    const found = this.choose(flight, handOver, nowMs)
    if (found !== undefined) return this.name(flight, handOver, found, nowMs)
    const open = openLayers(flight.newest, layers)
    const { scout } = this.needs
    const relay = this.relayFor(flight, handOver, () => scout.relayToHost(flight, open, nowMs))
    return relay === undefined
      ? this.leave(flight, nowMs)
      : this.passOn(flight, handOver, relay, nowMs)
  }

  private choose(flight: Flight, handOver: HandOver, nowMs: number): Favourite | undefined {
    const { tries } = handOver
    if (tries === undefined) return undefined
    const open = openLayers(flight.newest, this.options.shape.layers)
    const choice = this.needs.scout.choice(flight, open, tries, nowMs)
    const found = this.options.policy.favourite(choice)
    return found?.isAgain === true && !handOver.takeAgain() ? undefined : found
  }

  /** Names the favourite, says so, sends the tensor. */
  private name(flight: Flight, handOver: HandOver, found: Favourite, nowMs: number): Effect[] {
    const { host, isTrial } = found
    const { peer } = host
    const { scout, claims, patience } = this.needs
    const { newest } = flight
    const able = layersNext(newest, this.options.shape.layers, (layer) => has(host.layers, layer))
    const layers = Math.min(able.length, host.layersMost)
    const due = patience.sends(found, { bytes: heldBytes(newest), layers }, nowMs)
    handOver.choose({ peer, isTrial, isMeasured: host.isMeasured || scout.isPaceKnown, ...due })
    claims.put(flight.request, peer, due.dueAtMs)
    flight.name(peer)
    return this.say(flight, handOver, peer, nowMs)
  }

  /** Nobody to choose: whoever in the lane answers first. */
  private leave(flight: Flight, nowMs: number): Effect[] {
    flight.name(undefined)
    const { self } = this.options
    const { isPrivate, requester } = flight.newest
    const message = flight.message(self, nowMs)
    if (!isPrivate) return [{ do: 'publish', message }]
    // Its requester hears of it, which may be this member, and does something else.
    return [{ do: 'tell', message, to: requester === self ? [] : [requester] }]
  }

  /** All layers are applied: the requester gets the last output. */
  private deliver(flight: Flight, handOver: HandOver, nowMs: number): Effect[] {
    const { requester } = flight.newest
    const { scout, ways } = this.needs
    if (!ways.reaches(requester)) {
      const relay = this.relayFor(flight, handOver, () => scout.relayTo(flight, requester, nowMs))
      if (relay !== undefined) return this.passOn(flight, handOver, relay, nowMs)
      return this.leave(flight, nowMs)
    }
    flight.name(requester)
    return this.say(flight, handOver, requester, nowMs)
  }

  /** Whoever could pass a held tensor on, for an author that does not reach those who need it. */
  private relayFor(
    { newest }: Flight,
    handOver: HandOver,
    find: () => PeerId | undefined,
  ): PeerId | undefined {
    const canPassOn = newest.activation.place === 'held' && newest.route.length > 0
    // A tensor is passed on once: whoever has it from another looks for no further one.
    const isOwn = newest.route.at(-1)?.peer === this.options.self
    return canPassOn && isOwn && handOver.tries !== undefined ? find() : undefined
  }

  /** Names somebody who passes the tensor on. */
  private passOn(flight: Flight, handOver: HandOver, relay: PeerId, nowMs: number): Effect[] {
    const { claims, patience } = this.needs
    const dueAtMs = patience.relayDueAtMs(relay, heldBytes(flight.newest), nowMs)
    handOver.chooseRelay(relay, dueAtMs)
    claims.put(flight.request, relay, dueAtMs)
    flight.name(relay)
    return this.say(flight, handOver, relay, nowMs)
  }

  /** Tells whom the step names and those who bear witness, sends the tensor, then lets the lane know. */
  private say(flight: Flight, handOver: HandOver, to: PeerId, nowMs: number): Effect[] {
    const { policy, self } = this.options
    const message = flight.message(self, nowMs)
    const { activation } = message
    const all = new Set([to, message.requester, authorBefore(message, self)])
    all.delete(self)
    handOver.tell(all)
    const effects: Effect[] = [{ do: 'tell', message, to: [...all] }]
    // What a recomputation comes to is asked for where its name does not say enough; its input others have.
    const isSent = !message.isPrivate || (to !== message.requester && isHolder(self, message))
    if (activation.place === 'held' && to !== self && isSent)
      effects.push({ do: 'push', hash: activation.hash, to })
    // Gossip may lose a copy for a second: whoever acts on the step was told, the others hear of it.
    // A recomputation is nobody's but its requester's, and would be too much gossip of one author.
    if (policy.witnesses === 'lane' && !message.isPrivate) effects.push({ do: 'publish', message })
    return effects
  }
}
