import type { ClaimPolicy } from './claims/policy.ts'
import type { CoreEffect, Effect } from './effects.ts'
import type { Fetches } from './fetch/fetches.ts'
import { stepFault } from './gate/step-fault.ts'
import type { JobId } from './jobs.ts'
import type { Provider } from './provider/provider.ts'
import type { Visits } from './provider/visits.ts'
import type { Requester } from './requester/requester.ts'
import type { Rounds } from './rounds/rounds.ts'
import type { ModelShape } from './step.ts'
import type { Activation, Message, PeerId, Presence, Step } from './wire/messages.ts'

/** What a dispatcher is told of its member. */
export interface DispatcherOptions {
  readonly self: PeerId
  readonly shape: ModelShape
  readonly policy: ClaimPolicy
}

/** What a dispatcher brings to the provider. */
export interface DispatchedProvider
  extends Pick<Provider, 'onStep' | 'onClaim' | 'onDone' | 'onAgain' | 'lead' | 'finish'> {
  readonly visits: Pick<Visits, 'onPulled' | 'onPrepared'>
}

/** What a dispatcher brings to the requester. */
export type DispatchedRequester = Pick<
  Requester,
  'onStep' | 'onClaim' | 'onLate' | 'onHint' | 'onPulled' | 'onPrepared' | 'goOn'
>

/** What a dispatcher brings to the rounds. */
export type DispatchedRounds = Pick<
  Rounds,
  'onRound' | 'onUpdate' | 'onDone' | 'onPulled' | 'onPrepared' | 'recount' | 'abandon' | 'distrust'
>

/** What is said of requests: all but presence. */
export type RequestMessage = Exclude<Message, Presence>

/**
 * Brings what is said of requests, and the ends of jobs, to the provider and the requester of a member, and what
 * the two ask of one another.
 *
 * 1. Messages that `stepFault` refuses change nothing.
 * 2. What the member publishes goes through the same handlers as everybody's; of what it tells a few, its
 *    requester alone hears, for its provider said it.
 * 3. What is settled has nothing left in it that one part asks of another.
 * 4. The end of a job goes to whoever began it, and so does the loss of a tensor that does not come in time.
 */
export class Dispatcher {
  private readonly options: DispatcherOptions
  private readonly provider: DispatchedProvider
  private readonly requester: DispatchedRequester
  private readonly rounds: DispatchedRounds
  private readonly fetches: Fetches

  constructor(
    options: DispatcherOptions,
    provider: DispatchedProvider,
    requester: DispatchedRequester,
    rounds: DispatchedRounds,
    fetches: Fetches,
  ) {
    this.options = options
    this.provider = provider
    this.requester = requester
    this.rounds = rounds
    this.fetches = fetches
  }

  /** What somebody else says. @param payer the neighbour that answers for the room that it takes. */
  hear(from: PeerId, message: RequestMessage, nowMs: number, payer = from): CoreEffect[] {
    if (message.kind === 'step') {
      const reason = stepFault(message, from, this.options.shape)
      if (reason !== undefined)
        return [{ do: 'report', event: { type: 'message-refused', from, reason } }]
    }
    return this.dispatch(from, message, nowMs, payer)
  }

  /** The tensor that a job fetches is here, or cannot be had. */
  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    this.fetches.ended(id, bytes !== undefined)
    return this.pulled(id, bytes, nowMs)
  }

  /** Tensors that have not come in time are asked for, or are lost to whoever waits for them. */
  onTime(nowMs: number): CoreEffect[] {
    const { effects, lost } = this.fetches.onTime(nowMs)
    return [...effects, ...lost.flatMap((id) => this.pulled(id, undefined, nowMs))]
  }

  /** When `onTime` is due next, milliseconds. */
  wakeAtMs(): number {
    return this.fetches.wakeAtMs()
  }

  private pulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    return this.ownerOf(id).onPulled(id, bytes, nowMs)
  }

  /** A tensor can be published from here, or there is no room for it. */
  onPrepared(id: JobId, activation: Activation | undefined, nowMs: number): CoreEffect[] {
    return this.ownerOf(id).onPrepared(id, activation, nowMs)
  }

  private ownerOf({ owner }: JobId) {
    if (owner === 'rounds') return this.rounds
    return owner === 'provider' ? this.provider.visits : this.requester
  }

  /** What this member says to others and to itself, it hears itself; what its parts ask of one another is done. */
  settle(queue: CoreEffect[], nowMs: number): Effect[] {
    const settled: Effect[] = []
    for (let i = 0; i < queue.length; i++) {
      const effect = queue[i] as CoreEffect
      switch (effect.do) {
        case 'lead':
          queue.push(...this.provider.lead(effect.step, effect.suspect, nowMs))
          break
        case 'finish':
          queue.push(...this.finish(effect.step, effect.isPublic, nowMs))
          break
        case 'go-on':
          queue.push(...this.requester.goOn(effect.halfway, nowMs))
          break
        case 'recount':
          queue.push(...this.rounds.recount(effect.recount, nowMs))
          break
        case 'abandon':
          queue.push(...this.rounds.abandon(effect.request))
          break
        case 'distrust':
          queue.push(...this.rounds.distrust(effect.peer, nowMs))
          break
        case 'publish':
          settled.push(effect)
          if (effect.message.kind !== 'presence')
            queue.push(...this.dispatch(this.options.self, effect.message, nowMs))
          break
        case 'pull':
          this.fetches.began(effect, nowMs)
          settled.push(effect)
          break
        case 'cancel':
          this.fetches.ended(effect.job, false)
          settled.push(effect)
          break
        case 'tell':
          settled.push(effect)
          queue.push(...this.overhear(effect.message, nowMs))
          break
        default:
          settled.push(effect)
      }
    }
    return settled
  }

  private dispatch(
    from: PeerId,
    message: RequestMessage,
    nowMs: number,
    payer = from,
  ): CoreEffect[] {
    switch (message.kind) {
      case 'step': {
        const { request, route } = message
        return [
          { do: 'report', event: { type: 'step-seen', request, route } },
          ...this.provider.onStep(from, message, nowMs, payer),
          ...this.requester.onStep(from, message, nowMs),
          ...this.requester.onLate(from, request),
        ]
      }
      case 'claim':
        // The provider that claimed knows; only others' claims are news to it.
        return [
          ...(from === this.options.self ? [] : this.provider.onClaim(from, message, nowMs)),
          ...this.requester.onClaim(from, message, nowMs),
          ...this.requester.onLate(from, message.request),
        ]
      case 'done':
        return [
          ...this.provider.onDone(from, message, nowMs),
          ...this.rounds.onDone(from, message.request, nowMs),
        ]
      case 'round':
        return this.rounds.onRound(from, message, nowMs)
      case 'update':
        return this.rounds.onUpdate(from, message, nowMs)
      case 'again':
        return this.provider.onAgain(from, message, nowMs)
      case 'hint':
        return this.requester.onHint(from, message, nowMs)
      default:
        return message satisfies never
    }
  }

  /** A request of this member's own has ended: whoever holds something for it lets go. */
  private finish({ request, route }: Step, isPublic: boolean, nowMs: number): CoreEffect[] {
    const { told, effects } = this.provider.finish(request, nowMs)
    const message = { kind: 'done', request, isPublic } as const
    const to = new Set([...route.map(({ peer }) => peer), ...told])
    to.delete(this.options.self)
    const { witnesses } = this.options.policy
    const published: CoreEffect[] =
      isPublic || witnesses === 'lane' ? [{ do: 'publish', message }] : []
    return [...effects, { do: 'tell', message, to: [...to] }, ...published]
  }

  /** What this member tells others of a request of its own concerns its requester too. */
  private overhear(message: Message, nowMs: number): CoreEffect[] {
    if (message.kind === 'step') return this.requester.onStep(this.options.self, message, nowMs)
    if (message.kind === 'claim') return this.requester.onClaim(this.options.self, message, nowMs)
    return []
  }
}
