import { LANE_TOPIC_IDLE_MS, LANE_TOPICS_LEFT_PER_PEER_MAX, LANE_TOPICS_MAX } from './limits.ts'

/** A topic that is in. */
interface Topic {
  /** Who brought it; undefined for a server, which brings what all its peers follow. */
  readonly opener: string | undefined
  /** Somebody was heard in it. */
  isHeard: boolean
}

/** What is told of topics, and to whom it is told. */
export interface TopicRoomNeeds {
  /** Whether a peer follows a topic. */
  isFollowed(topic: string): boolean
  /** A topic is not in any more. */
  closed(topic: string, opener: string | undefined): void
}

/**
 * Room for LANE_TOPICS_MAX topics.
 *
 * 1. A topic stays until for LANE_TOPIC_IDLE_MS nobody has followed it and nothing was heard in it; one in which nobody
 *    was ever heard goes with its last follower.
 * 2. For one more, the one that has been unused for longest makes room, or else the oldest in which nobody was ever
 *    heard.
 * 3. Of those that one peer brought and nobody follows any more LANE_TOPICS_LEFT_PER_PEER_MAX stay.
 */
export class TopicRoom {
  private readonly needs: TopicRoomNeeds
  private readonly topics = new Map<string, Topic>()
  /** Those of no use, the longest first, and since which sweep. */
  private readonly idle = new Map<string, number | undefined>()

  constructor(needs: TopicRoomNeeds) {
    this.needs = needs
  }

  get size(): number {
    return this.topics.size
  }

  has(topic: string): boolean {
    return this.topics.has(topic)
  }

  /** Lets a topic in that was not. @returns whether there was room. */
  enter(topic: string, opener: string | undefined): boolean {
    if (!this.makeRoom()) return false
    this.topics.set(topic, { opener, isHeard: false })
    return true
  }

  /** Somebody follows it. */
  use(topic: string): void {
    this.idle.delete(topic)
  }

  /** Somebody was heard in it. */
  hear(topic: string): void {
    const entry = this.topics.get(topic)
    if (entry !== undefined) entry.isHeard = true
    this.use(topic)
  }

  /** Nobody follows it any more. */
  leave(topic: string): void {
    const entry = this.topics.get(topic)
    if (entry === undefined) return
    if (entry.isHeard) this.rest(topic, entry)
    else this.close(topic)
  }

  /** Followers that drop their connection do not say what they leave. */
  sweep(nowMs: number): void {
    for (const [topic, entry] of this.topics) {
      if (this.needs.isFollowed(topic)) {
        this.use(topic)
        continue
      }
      this.rest(topic, entry)
      const sinceMs = this.idle.get(topic) ?? nowMs
      if (nowMs - sinceMs >= LANE_TOPIC_IDLE_MS) this.close(topic)
      else this.idle.set(topic, sinceMs)
    }
  }

  clear(): void {
    this.topics.clear()
    this.idle.clear()
  }

  private rest(topic: string, { opener }: Topic): void {
    if (this.idle.has(topic)) return
    this.idle.set(topic, undefined)
    if (opener === undefined) return
    const left = [...this.idle.keys()].filter((one) => this.topics.get(one)?.opener === opener)
    const [oldest] = left
    if (left.length > LANE_TOPICS_LEFT_PER_PEER_MAX && oldest !== undefined) this.close(oldest)
  }

  private makeRoom(): boolean {
    if (this.topics.size < LANE_TOPICS_MAX) return true
    const [unused] = this.idle.keys()
    const going = unused ?? this.oldestSilent()
    if (going === undefined) return false
    this.close(going)
    return true
  }

  private oldestSilent(): string | undefined {
    for (const [topic, { isHeard }] of this.topics) if (!isHeard) return topic
    return undefined
  }

  private close(topic: string): void {
    const opener = this.topics.get(topic)?.opener
    this.topics.delete(topic)
    this.idle.delete(topic)
    this.needs.closed(topic, opener)
  }
}
