import type { Answer, Message, RequestId, Step } from '@layerswarm/swarm'
import { FLIGHTS_MAX } from '@layerswarm/swarm'
import { layersIn } from '@layerswarm/swarm/testing'
import { LATE_MS, MESSAGES_PER_REQUEST_MAX, VIOLATIONS_MAX } from './limits.ts'
import type { LabStation } from './network/lane.ts'

/** The promises of the protocol that every simulated run is checked against. */
export const INVARIANTS = {
  'one-outcome': 'a request has exactly one answer or one error, by its deadline',
  'layer-once': 'a layer is applied at most once per request',
  'set-grows': 'every step applies one more layer to a step that was published before',
  'true-answer': 'an answer was computed as its route says',
  'checked-weights': 'a peer announces and runs only layers whose hash it has checked',
  'bounded-memory': 'memory held for others is bounded, and free when the work is over',
  'clean-stop': 'when a peer stops, its timers and transfers are gone',
  'bounded-talk': 'the messages about one request are bounded, whatever happens',
  'no-throw': 'no input makes a machine throw',
} as const
/** The name of a promise. */
export type Invariant = keyof typeof INVARIANTS

/** One broken promise. */
export interface Violation {
  readonly invariant: Invariant
  readonly atMs: number
  readonly detail: string
}

interface Watched {
  readonly deadlineAtMs: number
  readonly routes: Set<string>
  outcomes: number
  messages: number
}

/**
 * Watches a run from outside: what honest peers publish, hold and answer.
 * Work that a liar touched is not held against those who passed it on.
 */
export class Referee {
  readonly violations: Violation[] = []
  private readonly requests = new Map<RequestId, Watched>()
  private readonly everyoneIsHonest: boolean
  private checked = 0

  constructor(everyoneIsHonest: boolean) {
    this.everyoneIsHonest = everyoneIsHonest
  }

  /** Promises checked so far. */
  get checks(): number {
    return this.checked
  }

  asked(request: RequestId, deadlineAtMs: number): void {
    this.requests.set(request, { deadlineAtMs, routes: new Set(['']), outcomes: 0, messages: 0 })
  }

  /** @param announced the layers whose files this peer has checked; undefined for bad actors. */
  published(
    from: LabStation,
    message: Message,
    checked: ReadonlySet<number> | undefined,
    nowMs: number,
  ): void {
    if (checked === undefined) return
    if ('request' in message) this.spoken(message.request, nowMs)
    if (message.kind === 'presence') {
      this.check(
        'checked-weights',
        nowMs,
        message.layers.every((layer) => checked.has(layer)),
        () => `${from.peer} announces layers ${message.layers} and checked ${[...checked]}`,
      )
    } else if (message.kind === 'step') this.steppedOn(from, message, nowMs)
  }

  answered(answer: Answer, trueRoute: readonly number[], nowMs: number): void {
    const { request, route, missingLayers } = answer
    this.settled(request, nowMs)
    const layers = route.map(({ layer }) => layer)
    this.check(
      'layer-once',
      nowMs,
      new Set([...layers, ...missingLayers]).size === layers.length + missingLayers.length,
      () => `${request} answered with layers ${layers}, missing ${missingLayers}`,
    )
    if (!this.everyoneIsHonest) return
    this.check(
      'true-answer',
      nowMs,
      layers.join() === trueRoute.join(),
      () => `${request} says ${layers} and was computed as ${trueRoute}`,
    )
  }

  failed(request: RequestId, nowMs: number): void {
    this.settled(request, nowMs)
  }

  /** A peer's holdings at some moment. */
  holds(station: LabStation, following: number, nowMs: number): void {
    this.check(
      'bounded-memory',
      nowMs,
      station.tensors.size <= 3 * FLIGHTS_MAX && following <= FLIGHTS_MAX,
      () => `${station.peer} holds ${station.tensors.size} tensors for ${following} requests`,
    )
  }

  /** Nothing is asked any more: nothing may be kept. */
  holdsNothing(station: LabStation, following: number, nowMs: number): void {
    this.check(
      'bounded-memory',
      nowMs,
      station.tensors.size === 0 && following === 0,
      () => `${station.peer} still holds ${station.tensors.size} tensors, follows ${following}`,
    )
  }

  stopped(station: LabStation, timers: number, pulls: number, nowMs: number): void {
    this.check(
      'clean-stop',
      nowMs,
      timers === 0 && pulls === 0,
      () => `${station.peer} left ${timers} timers and ${pulls} transfers`,
    )
  }

  threw(error: unknown, nowMs: number): void {
    this.check('no-throw', nowMs, false, () => String(error))
  }

  /** At the end of a run. */
  finish(nowMs: number): void {
    for (const [request, { outcomes }] of this.requests)
      this.check('one-outcome', nowMs, outcomes === 1, () => `${request} ended ${outcomes} times`)
  }

  private settled(request: RequestId, nowMs: number): void {
    const watched = this.requests.get(request)
    if (watched === undefined) return
    watched.outcomes++
    watched.routes.clear()
    this.check(
      'one-outcome',
      nowMs,
      watched.outcomes === 1 && nowMs <= watched.deadlineAtMs + LATE_MS,
      () => `${request} ended ${watched.outcomes} times, deadline ${watched.deadlineAtMs}`,
    )
  }

  private spoken(request: RequestId, nowMs: number): void {
    const watched = this.requests.get(request)
    if (watched === undefined) return
    watched.messages++
    this.check(
      'bounded-talk',
      nowMs,
      watched.messages !== MESSAGES_PER_REQUEST_MAX,
      () => `${request} took more than ${MESSAGES_PER_REQUEST_MAX} messages`,
    )
  }

  private steppedOn(from: LabStation, step: Step, nowMs: number): void {
    const watched = this.requests.get(step.request)
    if (watched === undefined || watched.outcomes > 0) return
    const key = routeOf(step, step.route.length)
    // A visit is as many layers as its author ran in a row.
    let before = step.route.length
    while (before > 0 && step.route[before - 1]?.peer === from.peer) before--
    let isKnown = watched.routes.has(key)
    for (let hops = before; hops < step.route.length; hops++)
      isKnown ||= watched.routes.has(routeOf(step, hops))
    if (this.everyoneIsHonest)
      this.check(
        'set-grows',
        nowMs,
        isKnown,
        () => `${from.peer} published [${key}] and nobody had published a route before it`,
      )
    watched.routes.add(key)
    const layers = step.route.map(({ layer }) => layer)
    this.check(
      'layer-once',
      nowMs,
      new Set(layers).size === layers.length,
      () => `${from.peer} published [${layers}]`,
    )
    if (!this.everyoneIsHonest || step.activation.place === 'held') return
    const { bytes } = step.activation
    this.check(
      'true-answer',
      nowMs,
      layersIn(bytes).join() === layers.join(),
      () => `${from.peer} published [${layers}] with an activation of [${layersIn(bytes)}]`,
    )
  }

  private check(invariant: Invariant, atMs: number, holds: boolean, detail: () => string): void {
    this.checked++
    if (holds || this.violations.length >= VIOLATIONS_MAX) return
    this.violations.push({ invariant, atMs, detail: detail() })
  }
}

function routeOf({ route }: Step, hops: number): string {
  let key = ''
  for (let i = 0; i < hops; i++) key += `${route[i]?.layer}@${route[i]?.peer} `
  return key
}
