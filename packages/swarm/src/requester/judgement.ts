import type { AuditEnd, Verdict } from '../audits/audit.ts'
import type { Audits } from '../audits/audits.ts'
import type { Ledger } from '../audits/ledger.ts'
import type { CoreEffect } from '../effects.ts'
import { ERAS_MAX } from '../limits.ts'
import type { PeerId, RequestId, Step } from '../wire/messages.ts'
import type { Answering } from './answering.ts'
import type { Pending } from './pending.ts'
import type { Scoring } from './scoring.ts'
import type { Watchdog } from './watchdog.ts'

/** What a judgement acts on; all of it is shared with the requester. */
export interface JudgementParts {
  readonly pending: ReadonlyMap<RequestId, Pending>
  /** Those that are answered in rounds. */
  readonly inRounds: ReadonlySet<RequestId>
  readonly ledger: Ledger
  readonly audits: Audits
  readonly scoring: Scoring
  readonly answering: Answering
  readonly watchdog: Watchdog
}

/**
 * What follows from audits for the requests of a member.
 *
 * 1. Whoever was outvoted alone is barred. Of several who made a result together those are suspected that are not
 *    trusted, and have no part in that request any more.
 * 2. Where two results differ the open requests that the disputed one went into do not wait for a third: they go back
 *    and on without it; those in rounds run that round again.
 * 3. Every open request that a barred peer has had a part in goes back to the last known step before it, in a new
 *    era, and none is taken over from it.
 * 4. Others are told whom it has found out, to look for themselves.
 * 5. An answer that waits for audits is given when they have ended, or when it has waited long enough.
 */
export class Judgement {
  private readonly self: PeerId
  private readonly parts: JudgementParts

  constructor(self: PeerId, parts: JudgementParts) {
    this.self = self
    this.parts = parts
  }

  /** What came of the audits that have ended, behind what ended them. */
  after(effects: CoreEffect[], nowMs: number): CoreEffect[] {
    const { news } = this.parts.audits
    for (const peer of news.disputed.splice(0)) effects.push(...this.goBackAll(peer, nowMs))
    for (const end of news.ends.splice(0)) {
      effects.push(...this.learn(end, nowMs), ...this.releaseAll(nowMs))
    }
    for (const request of news.abandoned.splice(0)) {
      const wanted = this.parts.pending.get(request)
      if (wanted === undefined) effects.push({ do: 'abandon', request })
      else effects.push(...this.parts.answering.drop(wanted))
    }
    return effects
  }

  /** Audits that take too long, and answers that have waited long enough. */
  onTime(nowMs: number): CoreEffect[] {
    return [...this.after(this.parts.audits.onTime(nowMs), nowMs), ...this.releaseAll(nowMs)]
  }

  private releaseAll(nowMs: number): CoreEffect[] {
    return [...this.parts.pending.values()].flatMap((wanted) => this.release(wanted, nowMs))
  }

  /**
   * Somebody went on with a request who is to have no part in it: whoever chose it chooses again.
   * @returns undefined where nobody did.
   */
  refuse(wanted: Pending, step: Step, nowMs: number): CoreEffect[] | undefined {
    const { ledger, watchdog } = this.parts
    const { route, era } = step
    const own = route.slice(wanted.stem.route.length)
    const peer = own.find((hop) => ledger.isBarred(hop.peer, nowMs))?.peer
    if (peer === undefined) return undefined
    const { newest, closing } = wanted
    if (closing !== undefined || era !== newest.era || newest.era >= ERAS_MAX) return []
    return watchdog.refused(wanted, { hop: route.length, peer }, nowMs)
  }

  private learn({ request, stretch, verdict }: AuditEnd, nowMs: number): CoreEffect[] {
    const { ledger, answering, pending, inRounds } = this.parts
    const { peers, layers } = stretch
    switch (verdict) {
      // It says nothing of anybody, and whoever was to be found right was not.
      case 'unavailable':
        return []
      case 'alone':
        return peers.flatMap((peer) => (ledger.alone(peer, nowMs) ? this.bar(peer, nowMs) : []))
      case 'undecided':
        return this.suspect(peers, nowMs)
      default:
        this.credit(verdict.right, layers.length)
        return [
          ...answering.checks.found(stretch, {
            isRight: verdict.right.includes(peers),
            isOpen: pending.has(request) || inRounds.has(request),
          }),
          ...verdict.wrong.flatMap((wrong) => [
            ...(wrong === peers ? this.avoid(request, peers, nowMs) : []),
            ...this.outvoted(wrong, nowMs),
          ]),
        ]
    }
  }

  /** Those whose results agree have found each other right. */
  private credit(right: Verdict['right'], layers: number): void {
    for (const made of right) {
      const vouchers = right.filter((other) => other !== made).flat()
      for (const peer of made) this.parts.ledger.right(peer, layers, vouchers)
    }
  }

  /** Who of several lied is not known: they are to have no part in this request. */
  private avoid(request: RequestId, peers: readonly PeerId[], nowMs: number): CoreEffect[] {
    const wanted = this.parts.pending.get(request)
    const [first] = peers
    if (wanted === undefined || first === undefined || peers.length === 1) return []
    wanted.avoid(peers.filter((peer) => peer !== this.self))
    return this.goBack(wanted, first, nowMs)
  }

  private outvoted(peers: readonly PeerId[], nowMs: number): CoreEffect[] {
    const others = peers.filter((peer) => peer !== this.self)
    const [liar] = others
    if (liar === undefined) return []
    if (others.length > 1) return this.suspect(others, nowMs)
    // Of one that several audits find out at once it is said once.
    if (this.parts.ledger.isBarred(liar, nowMs)) return []
    this.parts.ledger.outvoted(liar, nowMs)
    const hint = { do: 'publish', message: { kind: 'hint', about: liar } } as const
    return [hint, ...this.bar(liar, nowMs)]
  }

  /** Whoever is trusted is not suspected where others are not. */
  private suspect(peers: readonly PeerId[], nowMs: number): CoreEffect[] {
    const { ledger } = this.parts
    const doubted = peers.filter((peer) => peer !== this.self && !ledger.isTrusted(peer))
    return (doubted.length === 0 ? peers : doubted).flatMap((peer) =>
      peer !== this.self && ledger.suspect(peer, nowMs) ? this.bar(peer, nowMs) : [],
    )
  }

  private bar(liar: PeerId, nowMs: number): CoreEffect[] {
    const { pending, inRounds, answering } = this.parts
    return [
      { do: 'report', event: { type: 'peer-outvoted', peer: liar } },
      ...answering.checks.outvoted(liar, [...pending.keys(), ...inRounds]),
      ...this.goBackAll(liar, nowMs),
    ]
  }

  private goBackAll(peer: PeerId, nowMs: number): CoreEffect[] {
    const tours = [...this.parts.pending.values()]
    return [
      ...tours.flatMap((wanted) => this.goBack(wanted, peer, nowMs)),
      { do: 'distrust', peer },
    ]
  }

  private goBack(wanted: Pending, liar: PeerId, nowMs: number): CoreEffect[] {
    const { scoring, watchdog, audits } = this.parts
    if (audits.owns(wanted.request)) return []
    scoring.forget(wanted.request, liar)
    if (wanted.newest.era >= ERAS_MAX || nowMs >= wanted.deadlineMs) return []
    return wanted.goBackBefore(liar, nowMs) ? watchdog.resume(wanted, liar, nowMs) : []
  }

  private release(wanted: Pending, nowMs: number): CoreEffect[] {
    const { audits, answering } = this.parts
    const { isHeld, newest, closing } = wanted
    if (!isHeld || audits.holds(newest, nowMs)) return []
    wanted.isHeld = false
    return closing === undefined ? [] : answering.score(wanted, nowMs)
  }
}
