import type { Conduct } from '../claims/conduct.ts'
import { countCommon, openSet } from '../claims/layer-set.ts'
import type { ClaimPolicy, Favourite } from '../claims/policy.ts'
import type { Strangers } from '../claims/strangers.ts'
import type { Effect } from '../effects.ts'
import { SILENT_CLAIM_MS } from '../limits.ts'
import type { PeerTable } from '../presence/peer-table.ts'
import { heldBytes, isComplete, type ModelShape, openLayers } from '../step.ts'
import type { Claim, PeerId, RequestId, Step } from '../wire/messages.ts'
import type { ClaimBook } from './claim-book.ts'
import type { Flight } from './flight.ts'
import {
  AGAINS_MAX,
  HANDOVERS_MAX,
  PATIENCE_DECAY,
  PATIENCE_GROWTH,
  PATIENCE_MAX,
  RELAY_MS,
  RESPONSE_SLACK_MS,
  STRANGER_FACTOR,
  TRANSFER_FACTOR,
} from './limits.ts'
import type { Scout } from './scout.ts'

/** Who hands over, which model, by which policy. */
export interface AuthorOptions {
  readonly self: PeerId
  readonly shape: ModelShape
  readonly policy: ClaimPolicy
}

/** What an author works with; all of it is shared with the provider's other parts. */
export interface AuthorNeeds {
  readonly scout: Scout
  readonly claims: ClaimBook
  readonly conduct: Conduct
  readonly strangers: Strangers
  readonly table: PeerTable
}

/** One step of this member's own that is to be handed over. */
interface HandOver {
  chosen: PeerId | undefined
  isTrial: boolean
  /** The chosen one says how fast it is, or others do: what it takes can be judged. */
  isMeasured: boolean
  /** Choices made for this step, and among them again of somebody silent. */
  tries: number
  agains: number
  /** What the chosen one is expected to take, milliseconds. */
  expectedMs: number
  /** When silence means something, milliseconds. */
  dueAtMs: number
  /** Everybody who was told of the request by this member. */
  readonly told: Set<PeerId>
}

const NEVER = Number.POSITIVE_INFINITY

/**
 * Hands this member's newest steps over: chooses who goes on, says so, sends the tensor, and chooses
 * again when whoever was chosen is silent or declines.
 *
 * 1. A step of its own has at most one favourite at a time.
 * 2. Choose, tell, then push: whoever is sent a tensor knows why before its first byte.
 * 3. After HANDOVERS_MAX choices, or with nobody to choose, the step is left to whoever answers first.
 * 4. A favourite that says it is at work is waited for as long as it says, however often it says so, but no
 *    longer than a few times what such work usually takes.
 */
export class Author {
  private readonly options: AuthorOptions
  private readonly needs: AuthorNeeds
  private readonly handOvers = new Map<RequestId, HandOver>()
  /** Grows when those that were given up answer after all. */
  private patience = 1
  /** When what is sent now can begin to leave, by its own account. */
  private uplinkFreeAtMs = 0

  constructor(options: AuthorOptions, needs: AuthorNeeds) {
    this.options = options
    this.needs = needs
  }

  /** Whether this member is the author of the flight's newest step, and answers for it. */
  leads(flight: Flight): boolean {
    return this.handOverFor(flight) !== undefined
  }

  /** Whether a step of its own waits for whoever it was handed to. */
  get isWatching(): boolean {
    return this.handOvers.size > 0
  }

  dueMs(flight: Flight): number {
    return this.handOverFor(flight)?.dueAtMs ?? NEVER
  }

  /** The flight's newest step is this member's own, made just now or in a new era: somebody is to go on with it. */
  handOver(flight: Flight, nowMs: number): Effect[] {
    const handOver = this.handOverOf(flight.request)
    handOver.tries = 0
    handOver.agains = 0
    return this.next(flight, handOver, nowMs)
  }

  /** The first choice for a step, or another one. */
  private next(flight: Flight, handOver: HandOver, nowMs: number): Effect[] {
    const { shape } = this.options
    handOver.chosen = undefined
    handOver.dueAtMs = NEVER
    if (isComplete(flight.newest, shape.layers)) return this.deliver(flight, handOver, nowMs)
    const found = handOver.tries < HANDOVERS_MAX ? this.choose(flight, handOver, nowMs) : undefined
    if (found === undefined) {
      const open = openLayers(flight.newest, shape.layers)
      const relay = this.relayFor(flight, handOver, () =>
        this.needs.scout.relayToHost(flight, open, nowMs),
      )
      return relay === undefined
        ? this.leave(flight, nowMs)
        : this.passOn(flight, handOver, relay, nowMs)
    }
    return this.name(flight, handOver, found, nowMs)
  }

  /** Somebody has gone on, or the flight is another's: this member answers for it no longer. */
  ended({ request }: Flight, by: PeerId | undefined): void {
    const handOver = this.handOvers.get(request)
    if (handOver === undefined) return
    if (handOver.isTrial && handOver.chosen === by && by !== undefined)
      this.needs.strangers.tried(true)
    this.handOvers.delete(request)
  }

  /** News of whom this member chose. @returns undefined when the claim is another's. */
  onClaim(flight: Flight, from: PeerId, claim: Claim, nowMs: number): Effect[] | undefined {
    const handOver = this.handOverFor(flight)
    if (handOver === undefined || handOver.chosen !== from) return undefined
    if (claim.ttlMs === 0) {
      flight.declinedBy(from)
      this.needs.claims.free(flight.request)
      return this.next(flight, handOver, nowMs)
    }
    // What still waits for this member's own uplink the claimer cannot know.
    const waitsMs = this.backlogMs(nowMs)
    const mostMs =
      handOver.isTrial && handOver.isMeasured
        ? STRANGER_FACTOR * handOver.expectedMs + RESPONSE_SLACK_MS
        : this.needs.conduct.patienceMs(from, handOver.expectedMs)
    handOver.dueAtMs = this.needs.claims.claimed(
      flight.request,
      from,
      claim.ttlMs + waitsMs,
      mostMs + waitsMs,
      nowMs,
    )
    return []
  }

  /** Whom this member chose has said nothing, or is gone: the next one. */
  silent(flight: Flight, nowMs: number): Effect[] {
    const handOver = this.handOverFor(flight)
    if (handOver === undefined) return []
    const { chosen } = handOver
    this.needs.claims.free(flight.request)
    if (chosen !== undefined && chosen !== this.options.self) {
      flight.letDownBy(chosen)
      this.doubt(chosen, nowMs)
      if (handOver.isTrial) this.needs.strangers.tried(false)
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

  /** A step of somebody that this member, or another author, had given up. */
  heardLate(isLate: boolean): void {
    this.patience = isLate
      ? Math.min(PATIENCE_MAX, this.patience * PATIENCE_GROWTH)
      : Math.max(1, this.patience * PATIENCE_DECAY)
  }

  /** The requester has its answer, or the deadline has passed. @returns whom this member told of the request. */
  forget(request: RequestId): PeerId[] {
    const told = [...(this.handOvers.get(request)?.told ?? [])]
    this.handOvers.delete(request)
    return told
  }

  /** What this member has under way for the newest step, unless that is another's: the lane went back to it. */
  private handOverFor({ request, newest }: Flight): HandOver | undefined {
    const { self } = this.options
    const { route, requester, activation } = newest
    const isOwn = (route.at(-1)?.peer ?? requester) === self
    const isHeld = activation.place === 'held' && activation.holder === self
    return isOwn || isHeld ? this.handOvers.get(request) : undefined
  }

  private handOverOf(request: RequestId): HandOver {
    let handOver = this.handOvers.get(request)
    if (handOver === undefined) {
      handOver = {
        chosen: undefined,
        isTrial: false,
        isMeasured: false,
        tries: 0,
        agains: 0,
        expectedMs: 0,
        dueAtMs: NEVER,
        told: new Set(),
      }
      this.handOvers.set(request, handOver)
    }
    return handOver
  }

  private choose(flight: Flight, handOver: HandOver, nowMs: number): Favourite | undefined {
    const open = openLayers(flight.newest, this.options.shape.layers)
    const choice = this.needs.scout.choice(flight, open, handOver.tries, nowMs)
    const found = this.options.policy.favourite(choice)
    if (found?.isAgain === true && handOver.agains++ >= AGAINS_MAX) return undefined
    return found
  }

  /** Names the favourite, says so, sends the tensor. */
  private name(
    flight: Flight,
    handOver: HandOver,
    { host, isTrial, isAgain }: Favourite,
    nowMs: number,
  ): Effect[] {
    const bytes = heldBytes(flight.newest)
    const { scout, claims } = this.needs
    handOver.tries++
    handOver.chosen = host.peer
    handOver.isTrial = isTrial
    handOver.isMeasured = host.isMeasured || scout.isPaceKnown
    const upMs = this.transferMs(bytes, host.peer)
    const open = openLayers(flight.newest, this.options.shape.layers)
    const layers = Math.min(countCommon(host.layers, openSet(open)), host.layersMost)
    const runMs = (host.pending + layers) * host.layerMs
    handOver.expectedMs = scout.rttMs(host.peer) + TRANSFER_FACTOR * upMs + runMs
    // Until it says that it is at work, or until its result is told of.
    const isLong = upMs + runMs > SILENT_CLAIM_MS
    const answerMs =
      this.patience * ((isAgain ? 2 : 1) * 2 * scout.rttMs(host.peer) + RESPONSE_SLACK_MS)
    const workMs = isLong ? 20 + 2 * upMs : upMs + 2 * runMs
    const backlogMs = this.backlogMs(nowMs)
    this.uplinkFreeAtMs =
      Math.max(this.uplinkFreeAtMs, nowMs) + bytes / scout.uploadBytesPerMs(this.options.self)
    handOver.dueAtMs = nowMs + answerMs + workMs + backlogMs
    claims.put(flight.request, host.peer, handOver.dueAtMs)
    flight.name(host.peer)
    return this.say(flight, handOver, host.peer, nowMs)
  }

  /** Nobody to choose: whoever in the lane answers first. */
  private leave(flight: Flight, nowMs: number): Effect[] {
    flight.name(undefined)
    return [{ do: 'publish', message: flight.message(nowMs) }]
  }

  /** All layers are applied: the requester gets the last output. */
  private deliver(flight: Flight, handOver: HandOver, nowMs: number): Effect[] {
    const { requester } = flight.newest
    const { scout } = this.needs
    if (!scout.reaches(requester)) {
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
    return canPassOn && isOwn && handOver.tries < HANDOVERS_MAX ? find() : undefined
  }

  /** Names somebody who passes the tensor on. */
  private passOn(flight: Flight, handOver: HandOver, relay: PeerId, nowMs: number): Effect[] {
    const bytes = heldBytes(flight.newest)
    const { scout, claims } = this.needs
    handOver.tries++
    handOver.chosen = relay
    handOver.isTrial = false
    const upMs = this.transferMs(bytes, relay)
    const backlogMs = this.backlogMs(nowMs)
    handOver.dueAtMs = nowMs + RELAY_MS + 2 * scout.rttMs(relay) + 2 * upMs + backlogMs
    claims.put(flight.request, relay, handOver.dueAtMs)
    flight.name(relay)
    return this.say(flight, handOver, relay, nowMs)
  }

  /** A tensor on its way to a peer through both accesses, milliseconds. */
  private transferMs(bytes: number, to: PeerId): number {
    const { scout } = this.needs
    return bytes / scout.uploadBytesPerMs(this.options.self) + bytes / scout.downloadBytesPerMs(to)
  }

  /** How long what is sent now waits for this member's own uplink, milliseconds. */
  private backlogMs(nowMs: number): number {
    return Math.max(0, this.uplinkFreeAtMs - nowMs)
  }

  /** Tells whom the step names and those who bear witness, sends the tensor, then lets the lane know. */
  private say(flight: Flight, handOver: HandOver, to: PeerId, nowMs: number): Effect[] {
    const { policy, self } = this.options
    const message = flight.message(nowMs)
    const { activation } = message
    const all = new Set([to, message.requester, authorBefore(message, self)])
    all.delete(self)
    for (const peer of all) handOver.told.add(peer)
    const effects: Effect[] = [{ do: 'tell', message, to: [...all] }]
    if (activation.place === 'held' && to !== self)
      effects.push({ do: 'push', hash: activation.hash, to })
    // Gossip may lose a copy for a second: whoever acts on the step was told, the others hear of it.
    if (policy.witnesses === 'lane') effects.push({ do: 'publish', message })
    return effects
  }
}

/**
 * Who ran the visit before `self`'s own last one, the requester before the first; for who only passes a
 * tensor on whoever ran the last one.
 */
export function authorBefore({ route, requester }: Step, self: PeerId): PeerId {
  let at = route.findLastIndex(({ peer }) => peer === self) + 1
  if (at === 0) at = route.length
  while (at > 0 && route[at - 1]?.peer === self) at--
  return route[at - 1]?.peer ?? requester
}
