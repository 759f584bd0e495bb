import { type Manifest, releaseId } from '@layerswarm/model'
import { CLASSIFY_POLICY_DEFAULT, DEADLINE_MS_MAX } from '@layerswarm/swarm'
import { fetchManifest, type OfferedRelease } from './bootstrap.ts'
import { laneReleaseOf } from './lane-release.ts'
import {
  RELEASE_POLL_MS,
  RELEASE_QUIET_EXTRA_MS,
  RELEASE_RETRY_MS,
  RELEASE_SETTLE_MS_MAX,
  SETTLE_STEP_MS,
} from './limits.ts'
import { tellAll } from './listeners.ts'
import type { PeerOptions } from './options.ts'
import { createPeer, type Peer, type PeerEvent } from './peer.ts'
import { createServers, type Servers } from './servers/servers.ts'
import type { PeerSnapshot } from './snapshot.ts'

/** What happens on the way from one release to the next. */
export type RollingEvent =
  | PeerEvent
  /** @param isShared in the same lane, where the older one stopped first. */
  | { type: 'release-changed'; from: string; to: string; isShared: boolean }
  | { type: 'release-refused'; release: string; reason: string }
  | { type: 'release-left'; release: string }

/** When a peer moves from one release to the next, milliseconds. */
export interface RollingOptions {
  /** Time between two looks at what the signaling server offers; spread by half to either side. */
  readonly pollMs: number
  /** A newer release of which no layer can be hosted within this time is given up. */
  readonly settleMs: number
  /** And looked at again after this long. */
  readonly retryMs: number
  /** An old release is left when this peer had nothing to do for it for so long. */
  readonly quietMs: number
  /** And left in any case after this long. */
  readonly drainMsMax: number
}

/** The times of the limits: a release is noticed within a minute. */
export const ROLLING_DEFAULTS: RollingOptions = Object.freeze({
  pollMs: RELEASE_POLL_MS,
  settleMs: RELEASE_SETTLE_MS_MAX,
  retryMs: RELEASE_RETRY_MS,
  // Longer than a request lives: one that began before the newer release has ended by then.
  quietMs: CLASSIFY_POLICY_DEFAULT.deadlineMs + RELEASE_QUIET_EXTRA_MS,
  drainMsMax: DEADLINE_MS_MAX,
})

/** A provider that moves on when its publisher offers a newer release under the same name. */
export interface RollingPeer {
  /** @throws as `Peer.start`. */
  start(signal?: AbortSignal): Promise<void>
  stop(): Promise<void>
  on(listener: (event: RollingEvent) => void): () => void
  /** Of the newest release; `served` counts what was done for the older ones too. */
  snapshot(): PeerSnapshot
  /** @throws PeerError `not-started` */
  readonly manifest: Manifest
}

/**
 * Makes a provider that follows its release.
 *
 * 1. It serves the newer release before it stops serving the older one, whose requests in flight
 *    are finished: the two are separate members of the swarm for that time. Of two that mix it is one member that
 *    comes back to its lane with other layers, where others host what it hosted. A port that was chosen takes
 *    one of them: the older one leaves first then, and comes back when the newer one cannot be served.
 * 2. It moves only to a later release of the same publisher and name, whose signature it has checked.
 * 3. A newer release that cannot be served leaves it where it is.
 */
export function createRollingPeer(
  options: Partial<PeerOptions> & Pick<PeerOptions, 'join'>,
  given: Partial<RollingOptions> = {},
): RollingPeer {
  return new FollowingPeer(options, { ...ROLLING_DEFAULTS, ...given })
}

/** A newer release, and whether its peers are in the lanes of this one's. */
interface Successor {
  readonly offered: OfferedRelease
  readonly isShared: boolean
}

/** The peer of an older release. */
interface Leaver {
  readonly old: Peer
  readonly release: string
  /** It has left for good: nothing of it is to be finished. */
  readonly hasLeft: boolean
}

class FollowingPeer implements RollingPeer {
  private readonly options: Partial<PeerOptions> & Pick<PeerOptions, 'join'>
  private readonly timing: RollingOptions
  private readonly listeners = new Set<(event: RollingEvent) => void>()
  /** Those that still finish requests of older releases. */
  private readonly leaving = new Set<Peer>()
  private current: Peer
  private servedBefore = 0
  private ending = new AbortController()
  private following: Promise<void> = Promise.resolve()

  constructor(options: FollowingPeer['options'], timing: RollingOptions) {
    this.options = options
    this.timing = timing
    this.current = this.create(options.release)
  }

  get manifest(): Manifest {
    return this.current.manifest
  }

  async start(signal?: AbortSignal): Promise<void> {
    this.ending = new AbortController()
    await this.current.start(signal)
    this.following = this.follow(this.ending.signal)
  }

  async stop(): Promise<void> {
    this.ending.abort(new Error('the peer was stopped'))
    await Promise.all([this.following, ...[this.current, ...this.leaving].map((one) => one.stop())])
  }

  on(listener: (event: RollingEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  snapshot(): PeerSnapshot {
    const snapshot = this.current.snapshot()
    const older = [...this.leaving].reduce((sum, peer) => sum + peer.snapshot().served, 0)
    return { ...snapshot, served: snapshot.served + older + this.servedBefore }
  }

  private create(release: string | undefined): Peer {
    const peer = createPeer({ ...this.options, release })
    peer.on((event) => {
      // That the older one stops is told as `release-left`: this provider goes on.
      const isFarewell = event.type === 'state-changed' && this.leaving.has(peer)
      if (!isFarewell) this.emit(event)
    })
    return peer
  }

  private emit(event: RollingEvent): void {
    tellAll(this.listeners, event)
  }

  /** Looks for a successor until the end; what goes wrong on the way is told and tried again. */
  private async follow(ending: AbortSignal): Promise<void> {
    const servers = createServers(this.options.join)
    const retirements = new Set<Promise<void>>()
    /** Until when a release that could not be served is left alone. */
    const refused = new Map<string, number>()
    while (await waited(this.timing.pollMs * (0.5 + Math.random()), ending)) {
      // A signaling server that is away for a moment is no event: the next look finds it again.
      const successor = await this.findSuccessor(servers, ending).catch(() => undefined)
      if (successor === undefined) continue
      const { id } = successor.offered
      if (performance.now() < (refused.get(id) ?? 0)) continue
      try {
        const old = await this.moveTo(successor, ending)
        const retirement = this.retire(old, ending).finally(() => retirements.delete(retirement))
        retirements.add(retirement)
      } catch (error) {
        if (ending.aborted) break
        refused.set(id, performance.now() + this.timing.retryMs)
        const reason = error instanceof Error ? error.message : String(error)
        this.emit({ type: 'release-refused', release: id, reason })
      }
    }
    await Promise.all(retirements)
  }

  private async findSuccessor(
    servers: Servers,
    ending: AbortSignal,
  ): Promise<Successor | undefined> {
    const { manifest } = this.current
    const { url, bootstrap } = await servers.readAny(ending)
    const offered = bootstrap.releases.find(
      ({ name, publisher }) => name === manifest.name && publisher === manifest.publisher,
    )
    if (offered === undefined || offered.id === releaseId(manifest)) return undefined
    const newer = await fetchManifest(url, offered, [manifest.publisher], ending)
    const isLater = Date.parse(newer.training.createdAt) > Date.parse(manifest.training.createdAt)
    if (newer.name !== manifest.name || !isLater) return undefined
    const lane = await laneReleaseOf({ url, bootstrap }, offered, newer, ending)
    return { offered, isShared: lane.id === this.current.snapshot().laneRelease?.id }
  }

  /** Serves the successor from now on. @returns the peer of the older release, which may have left already. */
  private async moveTo(
    { offered: { id }, isShared }: Successor,
    ending: AbortSignal,
  ): Promise<Leaver> {
    const old = this.current
    const from = releaseId(old.manifest)
    const next = this.create(id)
    // The only host of a layer stays until the newer one is there.
    const leavesLane = isShared && old.snapshot().coverage.every((hosts) => hosts > 1)
    const sharesPort = this.options.port !== undefined && this.options.port !== 0
    const stopsFirst = leavesLane || sharesPort
    if (stopsFirst) {
      this.leaving.add(old)
      this.servedBefore += old.snapshot().served
      await old.stop()
    }
    try {
      await next.start(ending)
      await this.hosting(next, ending)
    } catch (error) {
      await next.stop()
      this.leaving.delete(old)
      if (stopsFirst && !ending.aborted) await old.start(ending)
      throw error
    }
    this.current = next
    this.emit({ type: 'release-changed', from, to: id, isShared: leavesLane })
    if (leavesLane) this.leave(old, from)
    else this.leaving.add(old)
    return { old, release: from, hasLeft: leavesLane }
  }

  /** Waits for the first layer. */
  private async hosting(next: Peer, ending: AbortSignal): Promise<void> {
    const latestMs = performance.now() + this.timing.settleMs
    while (next.snapshot().hostedLayers.length === 0) {
      if (performance.now() > latestMs) throw new Error('none of its layers could be loaded')
      if (!(await waited(SETTLE_STEP_MS, ending))) ending.throwIfAborted()
    }
  }

  /** Stops the peer of an older release when it has had nothing to do for a while. */
  private async retire({ old, release, hasLeft }: Leaver, ending: AbortSignal): Promise<void> {
    if (hasLeft) return
    const latestMs = performance.now() + this.timing.drainMsMax
    let served = -1
    while (performance.now() < latestMs) {
      const { served: now } = old.snapshot()
      if (now === served) break
      served = now
      if (!(await waited(this.timing.quietMs, ending))) return
    }
    const { served: servedByOld } = old.snapshot()
    await old.stop()
    this.servedBefore += servedByOld
    this.leave(old, release)
  }

  private leave(old: Peer, release: string): void {
    this.leaving.delete(old)
    this.emit({ type: 'release-left', release })
  }
}

/** @returns false when the signal ended the wait. */
function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      resolve(false)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end)
      resolve(true)
    }, ms)
    signal.addEventListener('abort', end, { once: true })
  })
}
