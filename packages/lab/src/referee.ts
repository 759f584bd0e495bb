import { sha256 } from '@layerswarm/model'
import type { Answer, Message, RequestId, Round, Step, Update } from '@layerswarm/swarm'
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
  'one-input':
    'an update is made of the one input of its round, and of layers that its hub asked for',
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

/** What was asked for in one round of a request. */
interface RoundWatched {
  readonly inputs: Set<string>
  readonly layers: Set<number>
}

/**
 * Watches a run from outside: what honest peers publish, hold and answer.
 * Work that a liar touched is not held against those who passed it on.
 */
export class Referee {
  readonly violations: Violation[] = []
  private readonly requests = new Map<RequestId, Watched>()
  private readonly everyoneIsHonest: boolean
  private readonly rounds = new Map<string, RoundWatched>()
  private readonly inRounds = new Set<RequestId>()
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
    else if (message.kind === 'round') this.askedFor(message, nowMs)
    else if (message.kind === 'update') this.summed(from, message, nowMs)
  }

  /** A hub asks for layers of a round. */
  private askedFor({ request, round, input, layers }: Round, nowMs: number): void {
    this.inRounds.add(request)
    const watched = this.roundOf(request, round)
    watched.inputs.add(nameOf(input))
    for (const layer of layers) watched.layers.add(layer)
    if (!this.everyoneIsHonest) return
    this.check(
      'one-input',
      nowMs,
      watched.inputs.size === 1,
      () => `round ${round} of ${request} has ${watched.inputs.size} inputs`,
    )
  }

  private summed(from: LabStation, { request, round, input, layers }: Update, nowMs: number): void {
    const watched = this.roundOf(request, round)
    this.check(
      'one-input',
      nowMs,
      watched.inputs.has(input) && layers.every(({ layer }) => watched.layers.has(layer)),
      () => `${from.peer} sent an update of round ${round} of ${request} that nobody asked for`,
    )
  }

  private roundOf(request: RequestId, round: number): RoundWatched {
    const key = `${request} ${round}`
    const watched = this.rounds.get(key) ?? { inputs: new Set<string>(), layers: new Set<number>() }
    this.rounds.set(key, watched)
    return watched
  }

  answered(answer: Answer, trueRoute: readonly number[], nowMs: number): void {
    const { request, route, rounds, missingLayers } = answer
    this.settled(request, nowMs)
    const layers = route.map(({ layer }) => layer)
    const isWhole = rounds.length === 0 || sum(rounds) === layers.length
    const isOnce =
      new Set([...layers, ...missingLayers]).size === layers.length + missingLayers.length
    this.check(
      'layer-once',
      nowMs,
      isWhole && isOnce,
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
    // What ran in rounds before, its requester says.
    const isFromRounds = step.requester === from.peer && this.inRounds.has(step.request)
    let isKnown = isFromRounds || watched.routes.has(key)
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

/** The name of a round's input: the hash of its bytes. */
function nameOf(tensor: Round['input']): string {
  return tensor.place === 'held' ? tensor.hash : sha256(tensor.bytes)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
