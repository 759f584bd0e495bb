import { type LinkStatement, statementsOf } from '../chain/statement.ts'
import type { Dispatcher } from '../dispatcher.ts'
import type { CoreEffect } from '../effects.ts'
import { createQuota } from '../gate/quota.ts'
import { stepFault } from '../gate/step-fault.ts'
import type { JobId } from '../jobs.ts'
import type { Mixing } from '../lanes/mixing.ts'
import { DEADLINE_MS_MAX } from '../limits.ts'
import type { KnownPeer, PeerTable } from '../presence/peer-table.ts'
import type { Provider } from '../provider/provider.ts'
import type { ModelShape } from '../step.ts'
import type { Again, Message, PeerId, Presence, Step } from '../wire/messages.ts'
import {
  CHECKED_NEIGHBOURS_MAX,
  CHECKS_AT_ONCE_MAX,
  CHECKS_AT_ONCE_PER_NEIGHBOUR_MAX,
  CHECKS_BURST,
  CHECKS_PER_SECOND,
  CLOCK_SLACK_MS,
  FALSE_CHECK_COST,
} from './limits.ts'
import { Notary } from './notary.ts'

/** Whose entrance it is. */
export interface EntranceOptions {
  readonly self: PeerId
  /** Hash of the release's manifest, hex. */
  readonly release: string
  readonly shape: ModelShape
  /** Whether there is a direct connection to a peer. */
  readonly reaches: (peer: PeerId) => boolean
}

/** What an entrance asks, and whom it lets in. */
export interface EntranceParts {
  readonly table: PeerTable
  readonly provider: Pick<Provider, 'admits' | 'timeLeftMs' | 'ownStep'>
  readonly dispatcher: Pick<Dispatcher, 'hear'>
  readonly mixing: Pick<Mixing, 'fault' | 'isOpen' | 'look'>
  readonly nextJob: () => JobId
}

/** Something that was said, who said it, and the neighbour that handed it over. */
export interface Heard<M> {
  readonly from: PeerId
  readonly via: PeerId
  readonly message: M
}

interface Waiting extends Heard<Step | Again> {
  readonly payer: PeerId
  readonly links: readonly LinkStatement[]
}

/**
 * Lets in what is said of requests: a step only when everybody in its chain has signed who is next, from its
 * requester to whoever says it.
 *
 * 1. Refusals go from cheap to dear: what the step says of itself, its time, its requester, room for it, and only
 *    then signatures, which are counted for the neighbour that handed it over.
 * 2. A request ends by its requester's clock, as far as that is known from presence; whoever says a step changes
 *    nothing in that. Where it is not known, the first word of it counts.
 * 3. What a requester says itself, of its requests and of others, is taken only from one that is present or connected.
 * 4. Who says a step with a link that nobody signed is banned: an honest one would have found out.
 * 5. What waits for its signatures is bounded, and forgotten when its requester says that the request is over.
 * 6. A step of this member's own request has layers of releases only that are taken; one of which that is not known
 *    yet waits until it is.
 */
export class Entrance {
  private readonly options: EntranceOptions
  private readonly parts: EntranceParts
  private readonly notary = new Notary()
  private readonly waiting = new Map<number, Waiting>()
  private unjudged: Heard<Step>[] = []
  private readonly checks = createQuota({
    perSecond: CHECKS_PER_SECOND,
    burst: CHECKS_BURST,
    namesMax: CHECKED_NEIGHBOURS_MAX,
  })

  constructor(options: EntranceOptions, parts: EntranceParts) {
    this.options = options
    this.parts = parts
  }

  /** Somebody else says something of a request. */
  hear(heard: Heard<Exclude<Message, Presence>>, nowMs: number): CoreEffect[] {
    const { from, via, message } = heard
    switch (message.kind) {
      case 'step':
        return this.onStep({ from, via, message }, nowMs)
      case 'again':
        return this.onAgain({ from, via, message }, nowMs)
      case 'done':
        for (const [job, one] of this.waiting)
          if (one.message.request === message.request && one.message.kind === 'step')
            if (one.message.requester === from) this.waiting.delete(job)
        return this.parts.dispatcher.hear(from, message, nowMs)
      case 'round':
      case 'update':
        // Told, and by whom it concerns: nobody passes it on.
        return via === from ? this.parts.dispatcher.hear(from, message, nowMs) : []
      case 'hint':
        return this.isThere(from) ? this.parts.dispatcher.hear(from, message, nowMs) : []
      default:
        return this.parts.dispatcher.hear(from, message, nowMs)
    }
  }

  /** This member has signed a link: nobody has to check it here. */
  onSigned(link: LinkStatement): void {
    this.notary.learn([link])
  }

  /** The signatures that a step waited for were checked. */
  onVerified({ number }: JobId, isTrue: boolean, nowMs: number): CoreEffect[] {
    const waiting = this.waiting.get(number)
    if (waiting === undefined) return []
    this.waiting.delete(number)
    const { from, via, message, payer, links } = waiting
    if (isTrue) {
      this.notary.learn(links)
      return this.parts.dispatcher.hear(from, message, nowMs, payer)
    }
    this.checks.take(via, nowMs, FALSE_CHECK_COST)
    // What a requester has signed for another step than this member's is nobody's fault.
    if (message.kind === 'again') return []
    const reason = 'a link that nobody signed'
    return [
      { do: 'report', event: { type: 'message-refused', from, reason } },
      { do: 'ban', peer: from },
    ]
  }

  /** It is known of one more release whether its layers are taken. */
  onReleaseJudged(nowMs: number): CoreEffect[] {
    const waiting = this.unjudged
    this.unjudged = []
    return waiting.flatMap((heard) => this.onStep(heard, nowMs))
  }

  private isThere(peer: PeerId): boolean {
    return this.parts.table.get(peer) !== undefined || this.options.reaches(peer)
  }

  private onStep({ from, via, message }: Heard<Step>, nowMs: number): CoreEffect[] {
    const { self, shape, release, reaches } = this.options
    const reason = stepFault(message, from, shape)
    if (reason !== undefined)
      return [{ do: 'report', event: { type: 'message-refused', from, reason } }]
    const { requester, route } = message
    if (requester === self && this.parts.mixing.isOpen(route))
      return this.keep({ from, via, message }, nowMs)
    const skipped = requester === self ? this.parts.mixing.fault(route) : undefined
    if (skipped !== undefined)
      return [{ do: 'report', event: { type: 'message-refused', from, reason: skipped } }]
    const known = this.parts.table.get(requester)
    const leftMs = this.timeLeftMs(message, known, nowMs)
    if (known !== undefined && leftMs <= 0) return []
    if (leftMs > DEADLINE_MS_MAX + CLOCK_SLACK_MS) return []
    const isThere = known !== undefined || via === from || reaches(requester)
    if (from === requester && !isThere) return []
    const payer = requester === self || reaches(requester) ? requester : via
    const admission = this.parts.provider.admits(from, message, payer, nowMs)
    if (admission === 'ban') return [{ do: 'ban', peer: from }]
    if (admission === 'ignore') return []
    const step = { ...message, remainingMs: Math.min(leftMs, DEADLINE_MS_MAX) }
    const links = this.notary.unknown(statementsOf(message, release))
    return this.check({ from, via, message: step, payer, links }, nowMs)
  }

  private keep(heard: Heard<Step>, nowMs: number): CoreEffect[] {
    if (this.unjudged.length < CHECKS_AT_ONCE_MAX) this.unjudged.push(heard)
    return this.parts.mixing.look(heard.message.route, nowMs)
  }

  /** A requester's link puts this member in charge of a step of its own once more; others will want to see it signed. */
  private onAgain({ from, via, message }: Heard<Again>, nowMs: number): CoreEffect[] {
    const { request, era, hop, barred, signature } = message
    const own = this.parts.provider.ownStep(request, hop)
    if (own === undefined || own.requester !== from || era <= own.era) return []
    const link = { hop, by: undefined, isOpen: false, tensor: undefined, signature }
    const step = { ...own, era, barred, next: this.options.self, chain: [link] }
    const links = this.notary.unknown(statementsOf(step, this.options.release))
    return this.check({ from, via, message, payer: from, links }, nowMs)
  }

  private check(waiting: Waiting, nowMs: number): CoreEffect[] {
    const { from, via, message, payer, links } = waiting
    if (links.length === 0) return this.parts.dispatcher.hear(from, message, nowMs, payer)
    if (!this.hasRoomFor(via)) return []
    if (!this.checks.take(via, nowMs, links.length)) return []
    const job = this.parts.nextJob()
    this.waiting.set(job.number, waiting)
    return [{ do: 'verify', job, statements: links }]
  }

  /** Whether one more step of this neighbour may wait for its signatures. */
  private hasRoomFor(via: PeerId): boolean {
    if (this.waiting.size >= CHECKS_AT_ONCE_MAX) return false
    let own = 0
    for (const one of this.waiting.values()) if (one.via === via) own++
    return own < CHECKS_AT_ONCE_PER_NEIGHBOUR_MAX
  }

  /** What is left of a request, milliseconds. */
  private timeLeftMs(
    { request, endsAtMs, remainingMs }: Step,
    known: KnownPeer | undefined,
    nowMs: number,
  ): number {
    const followedMs = this.parts.provider.timeLeftMs(request, nowMs)
    if (known === undefined) return followedMs ?? remainingMs
    const clockMs = known.presence.clockMs + nowMs - known.heardAtMs
    return endsAtMs - clockMs
  }
}
