import type { EncodedActivation } from '@layerswarm/model'
import type { Activation, Hop, PeerId, TensorHash } from '../wire/messages.ts'

/** Layers that somebody was asked for in a round. */
export interface Attempt {
  readonly peer: PeerId
  readonly layers: readonly number[]
  /** When its silence means something, milliseconds. */
  dueAtMs: number
  /** Waited for; its sum is on its way; given up, though it may still come; over. */
  state: 'asked' | 'arriving' | 'late' | 'over'
}

/** The sum of the updates of some layers, by one executor. */
export interface Sum {
  readonly hops: readonly Hop[]
  readonly sum: EncodedActivation
}

/** The input of a round. */
export interface RoundInput {
  readonly tensor: EncodedActivation
  /** As others have it from here. */
  readonly activation: Activation
  readonly name: TensorHash
}

/**
 * One round of a request: who was asked for what, and whose sums count.
 *
 * 1. Of the sums that count no two have a layer in common, so that a layer counts once.
 * 2. A sum counts only with layers that its author was asked for in this round.
 * 3. At most as many sums are kept as the round has layers.
 */
export class CurrentRound {
  readonly index: number
  readonly input: RoundInput
  readonly endsAtMs: number
  private readonly wanted: ReadonlySet<number>
  private readonly attempts: Attempt[] = []
  private counted: Sum[] = []

  constructor(index: number, input: RoundInput, layers: readonly number[], endsAtMs: number) {
    this.index = index
    this.input = input
    this.wanted = new Set(layers)
    this.endsAtMs = endsAtMs
  }

  /** The sums that count. */
  get sums(): readonly Sum[] {
    return this.counted
  }

  get layers(): number[] {
    return [...this.wanted]
  }

  get isComplete(): boolean {
    return this.missing().length === 0
  }

  /** Layers without a sum that counts. */
  missing(): number[] {
    const has = new Set(this.counted.flatMap(({ hops }) => hops.map(({ layer }) => layer)))
    return [...this.wanted].filter((layer) => !has.has(layer))
  }

  /** Of these, those that nobody is waited for. */
  unasked(): number[] {
    const waitedFor = new Set(this.open().flatMap(({ layers }) => layers))
    return this.missing().filter((layer) => !waitedFor.has(layer))
  }

  /** Somebody is asked. */
  ask(peer: PeerId, layers: readonly number[], dueAtMs: number): Attempt {
    const attempt: Attempt = { peer, layers, dueAtMs, state: 'asked' }
    this.attempts.push(attempt)
    return attempt
  }

  /** Those that are waited for. */
  open(): Attempt[] {
    return this.attempts.filter(isOpen)
  }

  /** Whether a peer was asked for this layer already. */
  isTried(peer: PeerId, layer: number): boolean {
    return this.attempts.some((one) => one.peer === peer && one.layers.includes(layer))
  }

  /** Whether somebody is waited for, or may still come. */
  get isHopeful(): boolean {
    return this.attempts.some(({ state }) => state !== 'over')
  }

  /** What a peer was asked for, and is not known to be over. */
  of(peer: PeerId): Attempt[] {
    return this.attempts.filter((one) => one.peer === peer && one.state !== 'over')
  }

  /** A peer has sent what it made of these. @returns whether it had been given up; undefined where it was not waited for. */
  came(peer: PeerId, hops: readonly Hop[]): boolean | undefined {
    const layers = new Set(hops.map(({ layer }) => layer))
    const attempts = this.of(peer).filter((one) => one.layers.some((layer) => layers.has(layer)))
    const isLate = attempts.every(({ state }) => state === 'late')
    for (const attempt of attempts) attempt.state = 'over'
    return attempts.length === 0 ? undefined : isLate
  }

  /** Whether a peer was asked for all of these. */
  expects(peer: PeerId, layers: readonly number[]): boolean {
    return layers.every((layer) => this.isTried(peer, layer))
  }

  /** Those that are waited for and silent. */
  overdue(nowMs: number): Attempt[] {
    return this.open().filter(({ dueAtMs }) => nowMs >= dueAtMs)
  }

  /** When `overdue` has something next, milliseconds, or the round is over. */
  wakeAtMs(): number {
    let at = this.endsAtMs
    for (const { dueAtMs } of this.open()) at = Math.min(at, dueAtMs)
    return at
  }

  /** What a peer has sent, or was asked for, is not used. @returns whether there was anything. */
  drop(peer: PeerId): boolean {
    const isOf = ({ hops }: Sum) => hops.some((hop) => hop.peer === peer)
    const attempts = this.of(peer)
    const isMet = attempts.length > 0 || this.counted.some(isOf)
    for (const attempt of attempts) attempt.state = 'over'
    this.counted = this.counted.filter((one) => !isOf(one))
    return isMet
  }

  /** A sum has come. @returns whether it counts: it is of layers that have none, or of all that others have and more. */
  take(sum: Sum): boolean {
    const layers = new Set(sum.hops.map(({ layer }) => layer))
    const isMet = ({ hops }: Sum) => hops.some(({ layer }) => layers.has(layer))
    const met = this.counted.filter(isMet)
    const lost = met.flatMap(({ hops }) => hops.filter(({ layer }) => !layers.has(layer)))
    const before = met.reduce((count, { hops }) => count + hops.length, 0)
    if (lost.length > 0 || layers.size <= before) return false
    this.counted = [...this.counted.filter((one) => !isMet(one)), sum]
    return true
  }
}

function isOpen({ state }: Attempt): boolean {
  return state === 'asked' || state === 'arriving'
}
