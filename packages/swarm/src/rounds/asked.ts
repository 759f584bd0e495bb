import type { EncodedActivation } from '@layerswarm/model'
import type { ClassifyPolicy } from '../request.ts'
import { HURRY_MS, HURRY_SHARE_MAX } from '../requester/limits.ts'
import type { Opening } from '../requester/openings.ts'
import type { Activation, Hop, PeerId, RequestId } from '../wire/messages.ts'
import { ROUND_MS_MIN, ROUND_PATIENCE, ROUND_SHARE_MAX } from './limits.ts'
import type { CurrentRound, Sum } from './round.ts'

/** What a request is waiting for. */
export type Stage = 'input' | 'hosts' | 'sums' | 'scores'

/**
 * A request that is answered in rounds, as far as it has come.
 *
 * 1. A layer is in its route, among those that were left out, or among those that are left: in one of them.
 */
export class AskedInRounds {
  readonly request: RequestId
  readonly policy: ClassifyPolicy
  readonly startedMs: number
  /** Whom it bars, by their tags. */
  readonly barred: readonly number[]
  /** Who was asked for something, and is told when it is over. */
  readonly told = new Set<PeerId>()
  readonly route: Hop[] = []
  /** Layers of each round. */
  readonly rounds: number[] = []
  stage: Stage = 'input'
  /** The input of the next round, or of the head; undefined while it is fetched. */
  tensor: EncodedActivation | undefined
  /** As others have it from here. */
  activation: Activation | undefined
  current: CurrentRound | undefined
  /** When it looks for hosts again, milliseconds. */
  looksAtMs = Number.POSITIVE_INFINITY
  headFailure: string | undefined
  private groupsLeft: number[]
  private readonly leftOut = new Set<number>()
  private open: Set<number>

  constructor(
    request: RequestId,
    { policy, startedMs }: Opening,
    groups: readonly number[],
    barred: readonly number[],
  ) {
    this.request = request
    this.policy = policy
    this.startedMs = startedMs
    this.barred = barred
    this.groupsLeft = [...groups]
    this.open = new Set(Array.from({ length: groups.reduce((a, b) => a + b, 0) }, (_, l) => l))
  }

  get deadlineMs(): number {
    return this.startedMs + this.policy.deadlineMs
  }

  /** From then on no round is begun, lest there be no time for the head. */
  get hurriesAtMs(): number {
    const { deadlineMs } = this.policy
    return this.deadlineMs - Math.min(HURRY_MS, HURRY_SHARE_MAX * deadlineMs)
  }

  /** Layers that are in no round yet. */
  get left(): number[] {
    return [...this.open]
  }

  /** How many each round that is left may take. */
  get groups(): readonly number[] {
    return this.groupsLeft
  }

  /** Layers that were left out, or are left. */
  get missing(): number[] {
    return [...this.leftOut, ...this.open].sort((a, b) => a - b)
  }

  get isEnough(): boolean {
    return this.route.length >= this.policy.minLayers
  }

  /** When a round that should take so long is over at the latest. */
  endOf(roundMs: number, nowMs: number): number {
    const rounds = this.groupsLeft.length
    const leftMs = Math.max(0, this.hurriesAtMs - nowMs)
    const share = rounds > 1 ? ROUND_SHARE_MAX / rounds : 1
    return nowMs + Math.min(Math.max(ROUND_MS_MIN, ROUND_PATIENCE * roundMs), leftMs * share)
  }

  /** The first group that is left takes nothing. */
  skipRound(): void {
    this.groupsLeft.shift()
  }

  /** A round is over. @param tensor its input with all sums. */
  applied(round: CurrentRound, sums: readonly Sum[], tensor: EncodedActivation): void {
    const hops = sums.flatMap((one) => one.hops)
    this.route.push(...hops)
    this.rounds.push(hops.length)
    for (const layer of round.layers) {
      this.open.delete(layer)
      this.leftOut.add(layer)
    }
    for (const { layer } of hops) this.leftOut.delete(layer)
    this.groupsLeft.shift()
    this.current = undefined
    this.tensor = tensor
  }

  /** No round is left and too few layers were applied: what was left out is tried once more, all at once. */
  tryLeftOut(): void {
    this.open = new Set([...this.open, ...this.leftOut])
    this.leftOut.clear()
    this.groupsLeft = [this.open.size]
  }
}
