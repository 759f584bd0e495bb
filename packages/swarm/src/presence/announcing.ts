import type { EngineName } from '@layerswarm/model'
import {
  NEIGHBOURS_MAX,
  PRESENCE_INTERVAL_MS,
  PRESENCE_INTERVAL_MS_MAX,
  SPEED_NEWS_INTERVAL_MS,
  SPEED_NEWS_MS,
} from '../limits.ts'
import type { OwnWeights } from '../mixed-release.ts'
import type { AccessSpeed } from '../ports.ts'
import type { Neighbour, Presence } from '../wire/messages.ts'
import { weightedBy } from '../wire/weights.ts'
import { PRESENCE_GROWTH, WHOLE_PRESENCE_EVERY } from './limits.ts'
import { isNews } from './near.ts'

/** What stays the same from one presence to the next, or is asked anew each time. */
export interface AnnouncingOptions {
  /** Hash of the manifest of the lane's release, hex. */
  readonly release: string
  /** The release of its layers, where that is another. */
  readonly weights?: OwnWeights | undefined
  readonly backend: EngineName
  /** Where others can dial this member, as multiaddrs. */
  readonly addresses: () => readonly string[]
  /** How many members of the lane hear this one directly. */
  readonly links: () => number
  readonly accessSpeed: () => AccessSpeed
}

/** What is announced besides the options; the time in milliseconds. */
export interface Announcement {
  /** The lane that it is announced in. */
  readonly lane: number
  readonly layers: readonly number[]
  readonly freeSlots: number
  readonly layerMs: number
  readonly measured: boolean
  /** The share of strangers that failed, 0 … 1. */
  readonly strangersFail: number
  readonly near: readonly Neighbour[]
}

/**
 * When this member announces itself, and how.
 *
 * 1. Presence goes out at once after news, then every PRESENCE_INTERVAL_MS, ever more rarely while
 *    nothing changes.
 * 2. A change of speed is news at most every SPEED_NEWS_INTERVAL_MS.
 * 3. Only the first presence in a lane asks the others to answer.
 * 4. It is whole when it asks, when the addresses have changed, when a newcomer needs them who cannot be
 *    told, and every WHOLE_PRESENCE_EVERY times. In between neither addresses are said nor neighbours of
 *    whom there is nothing new: of 320 bytes that leaves 65.
 */
export class Announcing {
  private readonly options: AnnouncingOptions
  private sequence = 0
  private isAsking = true
  private dueAtMs: number
  private intervalMs = PRESENCE_INTERVAL_MS
  private speedNewsAtMs = 0
  /** Since the last whole presence: how many others, and what was said of each neighbour, by tag. */
  private partials = 0
  private readonly said = new Map<number, Neighbour>()
  private saidAddresses = ''

  constructor(options: AnnouncingOptions, nowMs: number) {
    this.options = options
    this.dueAtMs = nowMs
  }

  wakeAtMs(): number {
    return this.dueAtMs
  }

  /** Whether it is time; the next interval begins if so. */
  takeTurn(nowMs: number): boolean {
    if (nowMs < this.dueAtMs) return false
    this.dueAtMs = nowMs + this.intervalMs
    this.intervalMs = Math.min(PRESENCE_INTERVAL_MS_MAX, this.intervalMs * PRESENCE_GROWTH)
    return true
  }

  /** Something changed that others should know. */
  hasNews(nowMs: number): void {
    this.dueAtMs = Math.min(this.dueAtMs, nowMs)
    this.intervalMs = PRESENCE_INTERVAL_MS
  }

  /** It is in another lane, where nobody knows it. */
  laneEntered(nowMs: number): void {
    this.isAsking = true
    this.hasNews(nowMs)
  }

  /** @returns whether a speed that changed by so many milliseconds is news now. */
  isSpeedNews(changeMs: number, nowMs: number): boolean {
    if (changeMs <= SPEED_NEWS_MS || nowMs < this.speedNewsAtMs) return false
    this.speedNewsAtMs = nowMs + SPEED_NEWS_INTERVAL_MS
    this.hasNews(nowMs)
    return true
  }

  /**
   * The message to publish now.
   * @param isAwaited somebody needs all of it who cannot be told.
   */
  presence(announcement: Announcement, isAwaited: boolean): Presence {
    const asking = this.isAsking
    this.isAsking = false
    const addresses = this.options.addresses()
    const joined = addresses.join()
    const isWhole =
      asking ||
      isAwaited ||
      joined !== this.saidAddresses ||
      ++this.partials >= WHOLE_PRESENCE_EVERY
    if (isWhole) this.said.clear()
    const news = announcement.near.filter((one) => isNews(one, this.said.get(one.tag)))
    for (const one of news) this.said.set(one.tag, one)
    if (isWhole) {
      this.partials = 0
      this.saidAddresses = joined
    }
    const partial = this.partial({ ...announcement, near: news })
    return { ...partial, asking, addresses: isWhole ? addresses : undefined }
  }

  /** What a newcomer is told: everything. */
  welcome(announcement: Announcement): Presence {
    return { ...this.partial(announcement), addresses: this.options.addresses() }
  }

  /** The last message of this member in its lane. @param moving it goes on in another one. */
  farewell(announcement: Announcement, moving: boolean): Presence {
    return { ...this.partial({ ...announcement, layers: [], near: [] }), leaving: true, moving }
  }

  private partial(announcement: Announcement): Presence {
    const { lane, layers, freeSlots, layerMs, measured, strangersFail, near } = announcement
    const { release, weights, backend, links, accessSpeed } = this.options
    const { upload, download } = accessSpeed()
    return {
      kind: 'presence',
      release,
      ...weightedBy(weights?.release),
      lane,
      sequence: this.sequence++,
      // The driver sets it when this leaves.
      clockMs: 0,
      layers,
      freeSlots: Math.min(255, freeSlots),
      links: Math.min(65_535, links()),
      layerMs,
      measured,
      upload: Math.min(65_535, Math.round(upload ?? 0)),
      download: Math.min(65_535, Math.round(download ?? 0)),
      strangersFail: Math.round(255 * strangersFail),
      near: near.slice(0, NEIGHBOURS_MAX),
      backend,
      addresses: undefined,
      asking: false,
      leaving: false,
      moving: false,
    }
  }
}
