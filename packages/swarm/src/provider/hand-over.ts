import type { PeerId, RequestId } from '../wire/messages.ts'
import type { Flight } from './flight.ts'
import { AGAINS_MAX, HANDOVERS_MAX } from './limits.ts'

/** Who is to go on with a step, and what is expected of them; times in milliseconds. */
export interface ChosenHost {
  readonly peer: PeerId
  /** It is a stranger that is given a trial. */
  readonly isTrial: boolean
  /** It says how fast it is, or others do: what it takes can be judged. */
  readonly isMeasured: boolean
  /** What it should take, milliseconds. */
  readonly expectedMs: number
  /** When its silence means something. */
  readonly dueAtMs: number
}

const NEVER = Number.POSITIVE_INFINITY

/**
 * What this member has under way to have one step of its own go on.
 *
 * 1. At most one peer is chosen at a time, and only while one is does silence mean anything.
 * 2. A step has HANDOVERS_MAX choices, and AGAINS_MAX among them of somebody who was silent before.
 * 3. Who was told stays told, whoever is chosen after.
 */
export class HandOver {
  private peer: PeerId | undefined
  private trial = false
  private measured = false
  private expected = 0
  private dueAt = NEVER
  private choices = 0
  private agains = 0
  private readonly all = new Set<PeerId>()

  get chosen(): PeerId | undefined {
    return this.peer
  }

  /** Whom it chose last was a stranger on trial. */
  get isTrial(): boolean {
    return this.trial
  }

  get isMeasured(): boolean {
    return this.measured
  }

  /** What the chosen host should take, milliseconds. */
  get expectedMs(): number {
    return this.expected
  }

  /** When silence means something, milliseconds; Infinity while nobody is chosen. */
  get dueAtMs(): number {
    return this.dueAt
  }

  /** Choices made for the step so far; undefined when there is none left. */
  get tries(): number | undefined {
    return this.choices < HANDOVERS_MAX ? this.choices : undefined
  }

  /** Everybody who was told of the request by this member. */
  get told(): readonly PeerId[] {
    return [...this.all]
  }

  /** The step is new, or is so again in a new era. */
  begin(): void {
    this.choices = 0
    this.agains = 0
    this.release()
  }

  /** Whoever was chosen is not to go on any more. */
  release(): void {
    this.peer = undefined
    this.dueAt = NEVER
  }

  /** Somebody who was silent would be chosen again. @returns whether that is still to be. */
  takeAgain(): boolean {
    return this.agains++ < AGAINS_MAX
  }

  choose({ peer, isTrial, isMeasured, expectedMs, dueAtMs }: ChosenHost): void {
    this.choices++
    this.peer = peer
    this.trial = isTrial
    this.measured = isMeasured
    this.expected = expectedMs
    this.dueAt = dueAtMs
  }

  /** Somebody is only to pass the tensor on. */
  chooseRelay(peer: PeerId, dueAtMs: number): void {
    this.choices++
    this.peer = peer
    this.trial = false
    this.dueAt = dueAtMs
  }

  /** The chosen one says that it is at work. */
  waitUntil(dueAtMs: number): void {
    this.dueAt = dueAtMs
  }

  tell(peers: Iterable<PeerId>): void {
    for (const peer of peers) this.all.add(peer)
  }
}

/**
 * What this member has under way to have its own steps go on, one hand-over per request.
 *
 * 1. It answers for the newest step only: one that is another's, or held by another, is nobody's here.
 * 2. Nothing is left of a step that somebody has gone on with.
 */
export class HandOvers {
  private readonly self: PeerId
  private readonly byRequest = new Map<RequestId, HandOver>()

  constructor(self: PeerId) {
    this.self = self
  }

  /** Whether a step of its own waits for whoever it was handed to. */
  get isWatching(): boolean {
    return this.byRequest.size > 0
  }

  /** A step of its own is to be handed over, for the first time or in a new era. */
  begin(request: RequestId): HandOver {
    const handOver = this.byRequest.get(request) ?? new HandOver()
    this.byRequest.set(request, handOver)
    handOver.begin()
    return handOver
  }

  /** What is under way for the newest step, unless that is another's: the lane went back to it. */
  of({ request, newest, author }: Flight): HandOver | undefined {
    const { requester, activation } = newest
    const isOwn = (author ?? requester) === this.self
    const isHeld = activation.place === 'held' && activation.holder === this.self
    return isOwn || isHeld ? this.byRequest.get(request) : undefined
  }

  /** Whether this member is the author of the flight's newest step, and answers for it. */
  leads(flight: Flight): boolean {
    return this.of(flight) !== undefined
  }

  /** When silence means something, milliseconds; Infinity when nobody is waited for. */
  dueMs(flight: Flight): number {
    return this.of(flight)?.dueAtMs ?? NEVER
  }

  /** This member answers for the request no longer. @returns what it had under way. */
  end(request: RequestId): HandOver | undefined {
    const handOver = this.byRequest.get(request)
    this.byRequest.delete(request)
    return handOver
  }
}
