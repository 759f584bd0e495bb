import { PEERS_MAX, PRESENCE_TTL_MS, type Presence } from '@layerswarm/swarm'
import {
  DIAL_ATTEMPTS_MAX,
  DIAL_RETRY_MS,
  DIAL_RETRY_MS_MAX,
  LAPSED_GRACE_MS,
  RELUCTANT_DIAL_AFTER_MS,
  SEQUENCE_SLACK_MAX,
} from '../limits.ts'
import { isCircuit } from '../node/reach.ts'

/** A peer that announced itself, and how far dialling it has come. */
export interface Acquaintance {
  readonly peer: string
  readonly addresses: readonly string[]
  readonly sequence: number
  readonly heardAtMs: number
  /** Failed dials to these addresses. */
  readonly attempts: number
  readonly nextAttemptMs: number
}

/** What the choice of whom to dial depends on besides presence. */
export interface AcquaintancesNeeds {
  readonly self: string
  /** Whether this peer can be dialled without a relay. */
  isPlainlyDialable(): boolean
  /** From 0 to 1, for jitter. */
  random(): number
}

/**
 * Who is there and whose turn it is to dial; it only decides, and is told the time.
 *
 * 1. Of two peers the one with the smaller id dials; the larger one steps in when nothing has come of
 *    it for some seconds.
 * 2. But where only one of the two can be dialled without a relay, the other one dials, whatever the
 *    ids: a tab dials a Node peer, by its socket where the page may open one.
 * 3. Failures double the wait; after DIAL_ATTEMPTS_MAX only new addresses bring another attempt.
 * 4. At most PEERS_MAX peers are remembered.
 * 5. The addresses are those that a peer said last; one that has said none yet is not dialled.
 */
export class Acquaintances {
  private readonly known = new Map<string, Acquaintance>()
  private readonly needs: AcquaintancesNeeds

  constructor(needs: AcquaintancesNeeds) {
    this.needs = needs
  }

  /** @returns whether the peer has started over since it was last heard: its connections are dead. */
  hear(peer: string, presence: Presence, nowMs: number): boolean {
    const { sequence } = presence
    const before = this.known.get(peer)
    // Most presence leaves out what was said before.
    const addresses = presence.addresses ?? before?.addresses ?? []
    const hasMoved = before?.addresses.join() !== addresses.join()
    const turn = hasMoved
      ? { attempts: 0, nextAttemptMs: nowMs + this.patienceMs(peer, addresses) }
      : { attempts: before.attempts, nextAttemptMs: before.nextAttemptMs }
    this.known.set(peer, { peer, addresses, sequence, heardAtMs: nowMs, ...turn })
    if (this.known.size > PEERS_MAX) this.forget(this.known.keys().next().value ?? peer)
    return before !== undefined && isNewSession(presence, before.sequence)
  }

  get(peer: string): Acquaintance | undefined {
    return this.known.get(peer)
  }

  forget(peer: string): void {
    this.known.delete(peer)
  }

  clear(): void {
    this.known.clear()
  }

  /** Peers to dial now, the longest waiting first. */
  due(nowMs: number): Acquaintance[] {
    return [...this.known.values()]
      .filter(
        ({ addresses, attempts, nextAttemptMs }) =>
          addresses.length > 0 && nextAttemptMs <= nowMs && attempts < DIAL_ATTEMPTS_MAX,
      )
      .sort((a, b) => a.nextAttemptMs - b.nextAttemptMs)
  }

  /** Peers that have been silent for too long, forgotten by this call. */
  takeLapsed(nowMs: number): string[] {
    const lapsed = [...this.known.values()]
      .filter(({ heardAtMs }) => nowMs - heardAtMs > PRESENCE_TTL_MS + LAPSED_GRACE_MS)
      .map(({ peer }) => peer)
    for (const peer of lapsed) this.known.delete(peer)
    return lapsed
  }

  dialFailed(peer: string, nowMs: number): void {
    const one = this.known.get(peer)
    if (one === undefined) return
    const wait = Math.min(DIAL_RETRY_MS * 2 ** one.attempts, DIAL_RETRY_MS_MAX)
    const nextAttemptMs = nowMs + wait * (0.5 + this.needs.random())
    this.known.set(peer, { ...one, attempts: one.attempts + 1, nextAttemptMs })
  }

  connectionLost(peer: string, nowMs: number): void {
    const one = this.known.get(peer)
    if (one === undefined) return
    const jitter = DIAL_RETRY_MS * this.needs.random()
    // After hanging up it is already this side's turn, whoever is the smaller.
    const turnMs = Math.min(
      this.patienceMs(peer, one.addresses),
      Math.max(0, one.nextAttemptMs - nowMs),
    )
    const nextAttemptMs = nowMs + turnMs + jitter
    this.known.set(peer, { ...one, attempts: 0, nextAttemptMs })
  }

  /** This side closed the connection, which the other side may not notice for long: dial at once. */
  hungUp(peer: string, nowMs: number): void {
    const one = this.known.get(peer)
    if (one === undefined) return
    const nextAttemptMs = nowMs + DIAL_RETRY_MS * this.needs.random()
    this.known.set(peer, { ...one, attempts: 0, nextAttemptMs })
  }

  private patienceMs(peer: string, addresses: readonly string[]): number {
    const amPlain = this.needs.isPlainlyDialable()
    const arePlain = addresses.some((address) => !isCircuit(address))
    const isTheirTurn = amPlain === arePlain ? this.needs.self > peer : amPlain
    return isTheirTurn ? RELUCTANT_DIAL_AFTER_MS : 0
  }
}

function isNewSession({ asking, sequence }: Presence, last: number): boolean {
  return sequence < last && (asking || sequence < last - SEQUENCE_SLACK_MAX)
}
