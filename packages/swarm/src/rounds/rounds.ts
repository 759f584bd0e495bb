import type { EngineName } from '@layerswarm/model'
import type { RoundArithmetic } from '../audits/round-arithmetic.ts'
import type { Plausibility } from '../audits/step-size.ts'
import type { CoreEffect } from '../effects.ts'
import type { Opening, Recount } from '../handed-on.ts'
import type { JobId } from '../jobs.ts'
import type { HeadOutcome, LayerOutcome } from '../ports.ts'
import type { Errands } from '../provider/errands.ts'
import type { ModelShape } from '../step.ts'
import type { Activation, PeerId, RequestId, Round, Update } from '../wire/messages.ts'
import { chooseWay } from './chooser.ts'
import { Executor } from './executor.ts'
import { Experience } from './experience.ts'
import { Hub } from './hub.ts'
import type { HubNeeds } from './hub-needs.ts'
import { Sight, type SightNeeds } from './sight.ts'

/** For whom, and for which model. */
export interface RoundsOptions {
  readonly self: PeerId
  readonly shape: ModelShape
  readonly backend: EngineName
  /** Layer runs accepted at once. */
  readonly slots: number
  readonly arithmetic: RoundArithmetic
  readonly isPlausible: Plausibility
}

/** What rounds share with the member's other parts. */
export interface RoundsNeeds extends Omit<SightNeeds, 'self' | 'errands'> {
  readonly errands: Errands
  readonly nextJob: () => JobId
  readonly mixing: HubNeeds['mixing']
  readonly uplink: HubNeeds['uplink']
  /** What requests in rounds share with the others. */
  readonly shared: HubNeeds['shared']
  readonly judged: (peer: PeerId, hasDelivered: boolean, nowMs: number) => void
}

/**
 * Several layers at once: this member as hub of its own requests, and as executor for those of others.
 *
 * 1. The end of a job goes to whoever began it.
 */
export class Rounds {
  private readonly options: RoundsOptions
  private readonly needs: RoundsNeeds
  private readonly hub: Hub
  private readonly executor: Executor
  private readonly sight: Sight
  private readonly experience = new Experience()

  constructor(options: RoundsOptions, needs: RoundsNeeds) {
    this.options = options
    this.needs = needs
    const { self, arithmetic, isPlausible } = options
    const { hosted, errands, uplink, nextJob, judged, shared, mixing } = needs
    this.sight = new Sight({ ...needs, self })
    this.executor = new Executor(options, {
      ...{ hosted, errands, arithmetic, nextJob },
      ready: (own, nowMs) => this.hub.onOwn(own, nowMs),
    })
    const { sight, executor: own } = this
    this.hub = new Hub({
      ...{ self, sight, own, uplink, arithmetic, isPlausible, nextJob, judged, shared, mixing },
      backend: () => options.backend,
    })
  }

  /** Requests of this member's own that are answered in rounds. */
  get inFlight(): number {
    return this.hub.inFlight
  }

  /**
   * In which rounds a request is to be answered; undefined by a tour.
   * @param activation the stem's output.
   */
  groupsFor(
    request: RequestId,
    { policy }: Opening,
    activation: Activation,
    nowMs: number,
  ): readonly number[] | undefined {
    const { rounds, groupings, maxLossPoints } = policy
    if (rounds === 'off' || policy.plan.length > 0) return undefined
    if (rounds !== 'auto') return rounds
    // What stops early does so step by step.
    if (groupings.length === 0 || policy.stopAtConfidence !== undefined) return undefined
    const layers = Array.from({ length: this.options.shape.layers }, (_, layer) => layer)
    const bytes = activation.place === 'held' ? activation.size : activation.bytes.length
    const barred = this.needs.shared.barred(request, policy, nowMs)
    const of = { request, layers, bytes, barred, isRecount: false }
    const { executors, access: hub, ...seen } = this.sight.look(of, this.hub.load(nowMs), nowMs)
    const tourMs = seen.tourMs()
    const lateness = this.experience.lateness(tourMs, nowMs)
    const ways = { layers, executors, hub, groupings, maxLossPoints, tourMs, lateness }
    const { groups, ms } = chooseWay(ways)
    this.experience.begins(request, groups === undefined ? 'tour' : 'rounds', ms, nowMs)
    return groups
  }

  /** A request of this member's own has ended. @param isTimed it was answered, or its time was over. */
  ended(request: RequestId, isTimed: boolean, nowMs: number): void {
    this.experience.ends(request, isTimed, nowMs)
  }

  begin(
    request: RequestId,
    opening: Opening,
    of: { readonly activation: Activation; readonly groups: readonly number[] },
    nowMs: number,
  ): CoreEffect[] {
    const { activation: origin, groups } = of
    const layers = Array.from({ length: this.options.shape.layers }, (_, layer) => layer)
    return this.hub.begin({ request, opening, groups, origin, layers }, nowMs)
  }

  /** A sum is to be made again, by others. */
  recount(recount: Recount, nowMs: number): CoreEffect[] {
    return this.hub.recount(recount, nowMs)
  }

  /** That is needed no longer. */
  abandon(request: RequestId): CoreEffect[] {
    return this.hub.abandon(request)
  }

  /** What a peer computed is not to be used. */
  distrust(peer: PeerId, nowMs: number): CoreEffect[] {
    return this.hub.distrust(peer, nowMs)
  }

  /** @returns whether it was one of these. */
  has(request: RequestId): boolean {
    return this.hub.has(request)
  }

  cancel(request: RequestId): CoreEffect[] {
    return this.hub.cancel(request)
  }

  onRound(from: PeerId, message: Round, nowMs: number): CoreEffect[] {
    return from === this.options.self ? [] : this.executor.onRound(from, message, nowMs)
  }

  onUpdate(from: PeerId, message: Update, nowMs: number): CoreEffect[] {
    return from === this.options.self ? [] : this.hub.onUpdate(from, message, nowMs)
  }

  onDone(from: PeerId, request: RequestId, nowMs: number): CoreEffect[] {
    return this.executor.onDone(from, request, nowMs)
  }

  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    const owner = this.executor.owns(id) ? this.executor : this.hub
    return owner.onPulled(id, bytes, nowMs)
  }

  onPrepared(id: JobId, activation: Activation | undefined, nowMs: number): CoreEffect[] {
    const owner = this.executor.owns(id) ? this.executor : this.hub
    return owner.onPrepared(id, activation, nowMs)
  }

  onLayerRun(id: JobId, outcome: LayerOutcome, nowMs: number): CoreEffect[] {
    return this.executor.onLayerRun(id, outcome, nowMs)
  }

  onHeadRun(id: JobId, outcome: HeadOutcome, nowMs: number): CoreEffect[] {
    return this.hub.onHeadRun(id, outcome, nowMs)
  }

  onDisconnected(peer: PeerId, nowMs: number): CoreEffect[] {
    return [...this.executor.onDisconnected(peer, nowMs), ...this.hub.onDisconnected(peer, nowMs)]
  }

  onTime(nowMs: number): CoreEffect[] {
    return [...this.executor.onTime(nowMs), ...this.hub.onTime(nowMs)]
  }

  /** When `onTime` is due next, milliseconds. */
  wakeAtMs(): number {
    return Math.min(this.executor.wakeAtMs(), this.hub.wakeAtMs())
  }
}
