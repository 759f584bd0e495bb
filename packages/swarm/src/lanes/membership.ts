import { draw } from '../draw.ts'
import type { Effect } from '../effects.ts'
import { type Announcement, Announcing, type AnnouncingOptions } from '../presence/announcing.ts'
import { Greeting } from '../presence/greeting.ts'
import type { LaneView } from '../presence/lane-view.ts'
import { Welcome } from '../presence/welcome.ts'
import type { LaneCount } from '../wire/lane-count.ts'
import type { PeerId, Presence } from '../wire/messages.ts'
import { LaneKeeper, type LaneKeeperOptions, type LaneSituation } from './keeper.ts'

/** What a member says of itself, asked anew whenever it speaks or its lane is judged. */
export interface OwnState {
  /** What the others are told. */
  announcement(): Omit<Announcement, 'lane'>
  /** What decides whether it moves. */
  situation(nowMs: number): LaneSituation
  /** It announces itself in its turn now: another presence interval is over. */
  intervalPassed(): void
}

/** What a membership asks of its member: who it is, where it begins, what it announces. */
export type MembershipOptions = AnnouncingOptions & LaneKeeperOptions

/** Who is known in the lane, as the membership keeps it. */
type KnownMembers = Pick<LaneView, 'table' | 'neighbourhood'>

/**
 * A member in its lane: who else is in it, what they are told of this one, and when it goes to another lane.
 *
 * 1. It is in one lane at a time and knows nobody of another.
 * 2. Whoever joins or goes is reported once; whoever is forgotten is not known by distance either.
 * 3. Newcomers alone are answered, once each: the others know this member. A host says so to all where it has no
 *    way to one that asks.
 * 4. It takes leave of a lane before it enters another, and speaks in that one at once.
 */
export class LaneMembership {
  private readonly release: string
  private readonly self: PeerId
  private readonly own: OwnState
  private readonly view: KnownMembers
  private readonly announcing: Announcing
  private readonly welcome = new Welcome()
  private readonly greeting = new Greeting()
  private readonly keeper: LaneKeeper

  constructor(options: MembershipOptions, own: OwnState, view: KnownMembers, nowMs: number) {
    this.release = options.release
    this.self = options.self
    this.own = own
    this.view = view
    this.announcing = new Announcing(options, nowMs)
    this.keeper = new LaneKeeper(options, view.table, nowMs)
  }

  /** The lane that it is in. */
  get lane(): number {
    return this.keeper.lane
  }

  /** When there is something to do next, milliseconds. */
  wakeAtMs(): number {
    return Math.min(
      this.announcing.wakeAtMs(),
      this.welcome.wakeAtMs(),
      this.greeting.wakeAtMs(),
      this.keeper.wakeAtMs(),
      this.view.table.nextExpiryMs(),
    )
  }

  /** Whether a presence is of this release and lane; what others say is nothing to it. */
  concerns({ release, lane }: Presence): boolean {
    return release === this.release && lane === this.lane
  }

  /** Somebody in the lane announces itself. */
  hear(from: PeerId, presence: Presence, nowMs: number): Effect[] {
    const { table, neighbourhood } = this.view
    const isNew = table.hear(from, presence, nowMs)
    neighbourhood.hear(from, presence)
    if (presence.layers.length > 0 && presence.addresses !== undefined) this.greeting.heardHost()
    if (!presence.asking && !isNew) return []
    this.keeper.joined(this.own.situation(nowMs).serves, nowMs)
    this.welcome.owe(from, nowMs)
    const joined: Effect[] = isNew
      ? [{ do: 'report', event: { type: 'peer-joined', peer: from } }]
      : []
    if (presence.asking) this.greet(from, nowMs)
    return [...joined, ...this.welcomeReached(nowMs)]
  }

  /** Somebody is gone, or in another lane: nobody chooses it any more. */
  forget(peer: PeerId): Effect[] {
    const { table, neighbourhood } = this.view
    const isKnown = table.get(peer) !== undefined
    table.forget(peer)
    neighbourhood.forget(peer)
    return isKnown ? [left(peer)] : []
  }

  /** Forgets who has not been heard for long. */
  expire(nowMs: number): Effect[] {
    const { table, neighbourhood } = this.view
    const gone = table.expire(nowMs)
    for (const peer of gone) neighbourhood.forget(peer)
    return gone.map(left)
  }

  /** Asks how full the lanes are when that is due. */
  look(nowMs: number): Effect[] {
    const { isStarved } = this.own.situation(nowMs)
    return this.keeper.look(nowMs, isStarved) ? [{ do: 'count-lanes' }] : []
  }

  /** How full the lanes are; undefined when nobody could say. */
  counted(lanes: readonly LaneCount[] | undefined, nowMs: number): void {
    this.keeper.counted(lanes, this.own.situation(nowMs), nowMs)
  }

  /** Whether it is to `move` now. */
  isMoveDue(nowMs: number): boolean {
    return this.keeper.wantsToMove && this.keeper.isDue(this.own.situation(nowMs), nowMs)
  }

  /** Leaves the lane for the one that its keeper has chosen. */
  move(nowMs: number): Effect[] {
    const farewell = this.farewell(true)
    const lane = this.keeper.move(nowMs)
    const gone = this.view.table.clear()
    this.view.neighbourhood.clear()
    this.welcome.clear()
    this.greeting.clear()
    this.announcing.laneEntered(nowMs)
    return [
      ...farewell,
      { do: 'enter', lane },
      ...gone.map(left),
      { do: 'report', event: { type: 'lane-entered', lane } },
      ...this.announceIfDue(nowMs),
    ]
  }

  /** The last that is heard of it in this lane. @param moving it goes on in another one. */
  farewell(moving: boolean): Effect[] {
    const message = this.announcing.farewell(this.announcement(), moving)
    return [{ do: 'publish', message }]
  }

  /** Announces itself, and answers newcomers, when that is due. */
  speakIfDue(nowMs: number): Effect[] {
    return [...this.announceIfDue(nowMs), ...this.welcomeReached(nowMs), ...this.greetIfDue(nowMs)]
  }

  /** Something changed that the others should know at once. */
  announceNews(nowMs: number): Effect[] {
    this.announcing.hasNews(nowMs)
    return this.announceIfDue(nowMs)
  }

  /** Its speed has changed by so many milliseconds, which may be news. */
  announceSpeed(changeMs: number, nowMs: number): Effect[] {
    return this.announcing.isSpeedNews(changeMs, nowMs) ? this.announceIfDue(nowMs) : []
  }

  private announceIfDue(nowMs: number): Effect[] {
    if (!this.announcing.takeTurn(nowMs)) return []
    this.own.intervalPassed()
    const message = this.announcing.presence(this.announcement(), this.isAwaited())
    return [{ do: 'publish', message }]
  }

  /** Whether a newcomer needs all of it who cannot be told. */
  private isAwaited(): boolean {
    return this.welcome.owesUnreached((peer) => this.view.neighbourhood.reaches(peer))
  }

  private greet(newcomer: PeerId, nowMs: number): void {
    if (this.view.neighbourhood.reaches(newcomer)) return
    const hosts = [...this.view.table.all()].filter(({ presence }) => presence.layers.length > 0)
    this.greeting.asked(hosts.length, draw(this.self, newcomer) / 2 ** 32, nowMs)
  }

  private greetIfDue(nowMs: number): Effect[] {
    if (!this.greeting.takeTurn(nowMs)) return []
    const announcement = this.announcement()
    if (announcement.layers.length === 0 || !this.isAwaited()) return []
    return [{ do: 'publish', message: this.announcing.presence(announcement, true) }]
  }

  private welcomeReached(nowMs: number): Effect[] {
    const to = this.welcome.take((peer) => this.view.neighbourhood.reaches(peer), nowMs)
    if (to.length === 0) return []
    return [{ do: 'tell', message: this.announcing.welcome(this.announcement()), to }]
  }

  private announcement(): Announcement {
    return { lane: this.lane, ...this.own.announcement() }
  }
}

function left(peer: PeerId): Effect {
  return { do: 'report', event: { type: 'peer-left', peer } }
}
