import type { EncodedActivation } from '@layerswarm/model'
import type { Opening } from '../handed-on.ts'
import type { ClassifyPolicy } from '../request.ts'
import { HURRY_MS, HURRY_SHARE_MAX } from '../requester/limits.ts'
import type { Activation, Hop, PeerId, RequestId } from '../wire/messages.ts'
import { GO_BACKS_MAX, ROUND_MS_MIN, ROUND_PATIENCE, ROUND_SHARE_MAX } from './limits.ts'
import type { CurrentRound, Sum } from './round.ts'

/** What a request is waiting for. */
export type Stage = 'input' | 'sums' | 'scores'

/** What is to run, and on what. */
export interface Wanted {
  readonly request: RequestId
  readonly opening: Opening
  readonly layers: readonly number[]
  /** How many of them each round may take. */
  readonly groups: readonly number[]
  /** The input of the first round, as others have it from here. */
  readonly origin: Activation
  /** A sum is made again, and nobody waits for scores. */
  readonly isRecount: boolean
}

/** Where a request stood before a round. */
interface Before {
  readonly tensor: EncodedActivation
  readonly hops: number
  readonly groups: readonly number[]
}

/**
 * A request that is answered in rounds, as far as it has come.
 *
 * 1. A layer is in its route, or open: in one of them.
 * 2. It can go back before each of its rounds, GO_BACKS_MAX times.
 */
export class AskedInRounds {
  readonly request: RequestId
  readonly opening: Opening
  readonly policy: ClassifyPolicy
  readonly startedMs: number
  readonly isRecount: boolean
  readonly origin: Activation
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
  /** Its scores, while they wait for audits. */
  logits: readonly (readonly number[])[] | undefined
  /** When it looks again whether they still wait, milliseconds. */
  looksAtMs = Number.POSITIVE_INFINITY
  headFailure: string | undefined
  private groupsLeft: number[]
  private readonly tried = new Set<string>()
  private readonly befores: Before[] = []
  private readonly open: Set<number>
  private wentBack = 0

  constructor({ request, opening, layers, groups, origin, isRecount }: Wanted) {
    this.request = request
    this.opening = opening
    this.policy = opening.policy
    this.startedMs = opening.startedMs
    this.isRecount = isRecount
    this.origin = origin
    this.activation = origin
    this.groupsLeft = [...groups]
    this.open = new Set(layers)
  }

  get deadlineMs(): number {
    return this.startedMs + this.policy.deadlineMs
  }

  /** From then on no round is begun, lest there be no time for the head. */
  get hurriesAtMs(): number {
    const { deadlineMs } = this.policy
    return this.deadlineMs - Math.min(HURRY_MS, HURRY_SHARE_MAX * deadlineMs)
  }

  /** Layers that have not run. */
  get left(): number[] {
    return [...this.open].sort((a, b) => a - b)
  }

  /** How many each round that is left may take. */
  get groups(): readonly number[] {
    return this.groupsLeft
  }

  /** When a round that should take so long is over at the latest. */
  endOf(roundMs: number, nowMs: number): number {
    const rounds = this.groupsLeft.length
    const leftMs = Math.max(0, this.hurriesAtMs - nowMs)
    const share = rounds > 1 ? ROUND_SHARE_MAX / rounds : 1
    return nowMs + Math.min(Math.max(ROUND_MS_MIN, ROUND_PATIENCE * roundMs), leftMs * share)
  }

  /** Somebody is asked for layers. */
  tries(peer: PeerId, layers: readonly number[]): void {
    for (const layer of layers) this.tried.add(`${layer}`).add(`${layer} ${peer}`)
  }

  /** Whether a layer that is left was asked of this peer, or of anybody. */
  isTried(layer: number, peer?: PeerId): boolean {
    return this.tried.has(peer === undefined ? `${layer}` : `${layer} ${peer}`)
  }

  /** The first group that is left takes nothing. */
  skipRound(): void {
    this.groupsLeft.shift()
  }

  /** A round begins. */
  begin(round: CurrentRound): void {
    const before = { tensor: round.input.tensor, hops: this.route.length, groups: this.groupsLeft }
    this.befores.push({ ...before, groups: [...before.groups] })
    this.current = round
    this.stage = 'sums'
  }

  /** A round is over: what is missing joins the next. @param tensor its input with all sums. */
  applied(round: CurrentRound, sums: readonly Sum[], tensor: EncodedActivation): void {
    const hops = sums.flatMap((one) => one.hops)
    this.route.push(...hops)
    this.rounds.push(hops.length)
    for (const { layer } of hops) this.open.delete(layer)
    const [, next, ...later] = this.groupsLeft
    const missing = round.layers.length - hops.length
    this.groupsLeft = next === undefined ? [] : [next + missing, ...later]
    this.current = undefined
    this.tensor = tensor
  }

  /** Nothing came of a round, and there will be no further one. */
  giveUp(): void {
    this.current = undefined
    this.groupsLeft = []
  }

  /**
   * What a peer computed is not to be used: goes back before the round that it went into, if there is one.
   * @returns whether it had to: then it has neither a round nor scores.
   */
  goBackBefore(peer: PeerId): boolean {
    const hop = this.route.findIndex((one) => one.peer === peer)
    if (hop < 0 || this.wentBack >= GO_BACKS_MAX) return false
    this.wentBack++
    const at = this.befores.findLastIndex(({ hops }) => hops <= hop)
    const { tensor, hops, groups } = this.befores[at] as Before
    this.befores.length = at
    for (const { layer } of this.route.splice(hops)) this.open.add(layer)
    this.rounds.length = at
    this.groupsLeft = [...groups]
    this.tried.clear()
    this.current = undefined
    this.logits = undefined
    this.looksAtMs = Number.POSITIVE_INFINITY
    this.stage = 'input'
    this.tensor = tensor
    this.activation = at === 0 ? this.origin : undefined
    return true
  }
}
