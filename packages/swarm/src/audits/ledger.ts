import { draw } from '../draw.ts'
import { BARRED_MAX } from '../limits.ts'
import { tagOf } from '../presence/near.ts'
import type { PeerId } from '../wire/messages.ts'
import { Hints } from './hints.ts'
import {
  ALONE_MIN,
  CHANCES,
  CHANCES_PEACE,
  FINDINGS_MAX,
  QUARANTINE_MS,
  QUARANTINE_MS_MAX,
  STRANGER_BELOW_LAYERS,
  SUSPICIONS_MAX,
  TRUSTED_LAYERS,
  VOUCHERS_MIN,
} from './limits.ts'

/** What was found of one peer. */
interface Findings {
  /** Layers that were recomputed and found right since it was last suspected. */
  right: number
  /** Who came to the same results, at most VOUCHERS_MIN of them. */
  readonly vouchers: Set<PeerId>
  /** Suspicions since something of it was found right last. */
  suspicions: number
  /** Audits in a row for which there was nobody else. */
  voids: number
  quarantines: number
  barredUntilMs: number
}

/**
 * What this member's audits have found of others, and what others hint at.
 *
 * 1. A stranger is always audited, whoever was found right ever more rarely, and nobody never.
 * 2. Whoever was outvoted is barred for a time that doubles, and is a stranger after it.
 * 3. A suspicion ends with the next layer that is found right; SUSPICIONS_MAX in a row are as good as a verdict.
 * 4. Two who lie alike find each other right: until VOUCHERS_MIN have looked it is somebody else each time, where a liar
 *    has been met nobody is proven by fewer, and what somebody who is outvoted has found right is worth nothing.
 * 5. At most FINDINGS_MAX peers are remembered; who is barred is forgotten last.
 */
export class Ledger {
  private readonly findings = new Map<PeerId, Findings>()
  private readonly hints = new Hints()
  private liarsMet = false
  /** Audits in a row for which there was nobody else, whoever's. */
  private voids = 0

  /** Somebody else says that it has found a peer out: that is looked at. */
  hinted(accuser: PeerId, about: PeerId, nowMs: number): void {
    if (!this.isBarred(about, nowMs)) this.hints.hear(accuser, about, nowMs)
  }

  /** Layers of a peer were recomputed and found right. @param vouchers who came to the same result. */
  right(peer: PeerId, layers: number, vouchers: readonly PeerId[]): void {
    const found = this.of(peer)
    found.right += layers
    this.voids = 0
    for (const one of vouchers) if (found.vouchers.size < VOUCHERS_MIN) found.vouchers.add(one)
    found.voids = 0
    found.suspicions = 0
    this.hints.right(peer)
  }

  /**
   * A lie went into something that it had a part in, and it is not known whose.
   * @returns whether that has happened so often in a row that it is barred.
   */
  suspect(peer: PeerId, nowMs: number): boolean {
    const found = this.of(peer)
    found.suspicions++
    found.right = 0
    if (found.suspicions < SUSPICIONS_MAX) return false
    this.outvoted(peer, nowMs)
    return true
  }

  /**
   * There was nobody to run again what it had run.
   * @returns whether it is barred, for it was suspected and nobody can say that it is not to be.
   */
  alone(peer: PeerId, nowMs: number): boolean {
    const found = this.of(peer)
    found.voids++
    this.voids++
    return found.suspicions > 0 && this.liarsMet && this.suspect(peer, nowMs)
  }

  /** Enough others agree that it was wrong. */
  outvoted(peer: PeerId, nowMs: number): void {
    const found = this.of(peer)
    const ms = Math.min(QUARANTINE_MS * 2 ** found.quarantines, QUARANTINE_MS_MAX)
    found.quarantines++
    this.liarsMet = true
    this.hints.outvoted(peer)
    found.barredUntilMs = nowMs + ms
    found.right = 0
    found.vouchers.clear()
    found.suspicions = 0
    for (const other of this.findings.values())
      if (other.vouchers.delete(peer) && other.vouchers.size === 0) other.right = 0
  }

  /** Whether it is to have no part in requests of this member. */
  isBarred(peer: PeerId, nowMs: number): boolean {
    return (this.findings.get(peer)?.barredUntilMs ?? 0) > nowMs
  }

  /** Whether so much of it was found right that a lie is looked for elsewhere first. */
  isTrusted(peer: PeerId): boolean {
    const found = this.findings.get(peer)
    return found !== undefined && found.right >= TRUSTED_LAYERS && this.isVouchedFor(found)
  }

  /** Who has found a peer right, while they are not enough: others are to say so too. */
  vouchersOf(peer: PeerId): PeerId[] {
    const found = this.findings.get(peer)
    return found === undefined || found.vouchers.size >= VOUCHERS_MIN ? [] : [...found.vouchers]
  }

  private isVouchedFor({ vouchers }: Findings): boolean {
    return !this.liarsMet || vouchers.size >= VOUCHERS_MIN
  }

  /** Whether nothing of it was found right yet, or since it was suspected last. */
  isStranger(peer: PeerId): boolean {
    return (this.findings.get(peer)?.right ?? 0) < STRANGER_BELOW_LAYERS
  }

  /** Whether somebody else says that it has found it out. */
  isHinted(peer: PeerId, nowMs: number): boolean {
    return this.hints.isHinted(peer, nowMs)
  }

  /** Whether it is a stranger, or somebody else says that it has found it out. */
  isDoubtful(peer: PeerId, nowMs: number): boolean {
    return this.isStranger(peer) || this.hints.isHinted(peer, nowMs)
  }

  /** Where a liar has been met: whether audit after audit finds nobody left to run again what others ran. */
  get isAlone(): boolean {
    return this.liarsMet && this.voids >= ALONE_MIN
  }

  /** This member is among others. */
  laneEntered(): void {
    this.voids = 0
  }

  /** Whether somebody has been outvoted, here or as others say. */
  isAlert(nowMs: number): boolean {
    return this.liarsMet || this.hints.areOpen(nowMs)
  }

  /** Whether anybody has ever been outvoted. */
  get hasMetLiars(): boolean {
    return this.liarsMet
  }

  /** The chance with which its next visit is recomputed, above 0 and at most 1. */
  chance(peer: PeerId, nowMs: number): number {
    if (this.hints.isHinted(peer, nowMs)) return 1
    const found = this.findings.get(peer)
    if (found === undefined) return 1
    const { unproven, least, voids } = this.isAlert(nowMs) ? CHANCES : CHANCES_PEACE
    const isProven = found.suspicions === 0 && found.right > unproven && this.isVouchedFor(found)
    const due = isProven ? unproven / found.right : 1
    return Math.max(least, due / 2 ** Math.min(voids, found.voids))
  }

  /** Everybody who is barred, the latest BARRED_MAX, by their tags. */
  barred(nowMs: number): number[] {
    const tags: number[] = []
    for (const [peer, { barredUntilMs }] of this.findings)
      if (barredUntilMs > nowMs) tags.push(tagOf(draw(peer)))
    return tags.slice(-BARRED_MAX)
  }

  private of(peer: PeerId): Findings {
    let found = this.findings.get(peer)
    if (found !== undefined) return found
    if (this.findings.size >= FINDINGS_MAX) this.forgetOne()
    found = {
      right: 0,
      vouchers: new Set(),
      suspicions: 0,
      voids: 0,
      quarantines: 0,
      barredUntilMs: 0,
    }
    this.findings.set(peer, found)
    return found
  }

  private forgetOne(): void {
    let oldest: PeerId | undefined
    for (const [peer, { quarantines }] of this.findings) {
      oldest ??= peer
      if (quarantines > 0) continue
      this.findings.delete(peer)
      return
    }
    if (oldest !== undefined) this.findings.delete(oldest)
  }
}
