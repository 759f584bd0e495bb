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
  /** Failed dials since one succeeded. */
  readonly attempts: number
  readonly nextAttemptMs: number
  /** Not before, because of these, whatever else changes. */
  readonly failedUntilMs: number
}

/** What the choice of whom to dial depends on besides presence. */
export interface AcquaintancesNeeds {
  readonly self: string
  /** Whether this peer can be dialled without a relay. */
  isPlainlyDialable(): boolean
  /** Failed dials to the places that addresses lead to, whoever announced them. */
  silencesAt(addresses: readonly string[]): number
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
 * 3. Failures double the wait; after DIAL_ATTEMPTS_MAX only new addresses bring another attempt. Neither these nor
 *    a connection that was made from there forget failures: who was never reached has no more turns than others.
 * 4. At most PEERS_MAX peers are remembered.
 * 5. Who has failed least is dialled first, and a peer counts for no better than the place that it names.
 * 6. The addresses are those that a peer said last; one that has said none yet is not dialled.
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
    const said = presence.addresses ?? before?.addresses ?? []
    const hasMoved = before?.addresses.join() !== said.join()
    const addresses = hasMoved ? said : before.addresses
    const turn = hasMoved ? turnFrom(nowMs + this.patienceMs(peer, addresses), before) : before
    this.known.set(peer, { ...turn, peer, addresses, sequence, heardAtMs: nowMs })
    if (this.known.size > PEERS_MAX) this.forget(this.known.keys().next().value ?? peer)
    return before !== undefined && isNewSession(presence, before.sequence)
  }

  /** How many are known. */
  get size(): number {
    return this.known.size
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

  /** Peers to dial now, those first that have failed least, of these the longest waiting. */
  due(nowMs: number): Acquaintance[] {
    return [...this.known.values()]
      .filter(
        ({ addresses, attempts, nextAttemptMs }) =>
          addresses.length > 0 && nextAttemptMs <= nowMs && attempts < DIAL_ATTEMPTS_MAX,
      )
      .map((one) => ({
        one,
        failures: Math.max(one.attempts, this.needs.silencesAt(one.addresses)),
      }))
      .sort((a, b) => a.failures - b.failures || a.one.nextAttemptMs - b.one.nextAttemptMs)
      .map(({ one }) => one)
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
    const failedUntilMs = nextAttemptMs
    this.known.set(peer, { ...one, attempts: one.attempts + 1, nextAttemptMs, failedUntilMs })
  }

  dialSucceeded(peer: string): void {
    const one = this.known.get(peer)
    if (one !== undefined) this.known.set(peer, { ...one, attempts: 0, failedUntilMs: 0 })
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
    this.known.set(peer, { ...one, ...turnFrom(nowMs + turnMs + jitter, one) })
  }

  /** This side closed the connection, which the other side may not notice for long: dial at once. */
  hungUp(peer: string, nowMs: number): void {
    const one = this.known.get(peer)
    if (one === undefined) return
    const turnMs = nowMs + DIAL_RETRY_MS * this.needs.random()
    this.known.set(peer, { ...one, ...turnFrom(turnMs, one) })
  }

  private patienceMs(peer: string, addresses: readonly string[]): number {
    const amPlain = this.needs.isPlainlyDialable()
    const arePlain = addresses.some((address) => !isCircuit(address))
    const isTheirTurn = amPlain === arePlain ? this.needs.self > peer : amPlain
    return isTheirTurn ? RELUCTANT_DIAL_AFTER_MS : 0
  }
}

/** One more turn at that time, or after the wait that failures have brought. */
function turnFrom(
  atMs: number,
  before: Acquaintance | undefined,
): Pick<Acquaintance, 'attempts' | 'nextAttemptMs' | 'failedUntilMs'> {
  const { attempts = 0, failedUntilMs = 0 } = before ?? {}
  return {
    attempts: Math.min(attempts, DIAL_ATTEMPTS_MAX - 1),
    nextAttemptMs: Math.max(atMs, failedUntilMs),
    failedUntilMs,
  }
}

function isNewSession({ asking, sequence }: Presence, last: number): boolean {
  return sequence < last && (asking || sequence < last - SEQUENCE_SLACK_MAX)
}
