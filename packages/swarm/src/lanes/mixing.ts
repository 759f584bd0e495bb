import type { Effect } from '../effects.ts'
import { createQuota } from '../gate/quota.ts'
import {
  PEERS_MAX,
  RELEASE_AGAIN_MS,
  RELEASES_JUDGED_BURST,
  RELEASES_JUDGED_MAX,
  RELEASES_JUDGED_PER_SECOND,
} from '../limits.ts'
import type { OwnWeights, ReleaseJudgement } from '../mixed-release.ts'
import type { ModelShape } from '../step.ts'
import type { PeerId, Presence } from '../wire/messages.ts'
import type { Weighted } from '../wire/weights.ts'

/** Whose lane it is. */
export interface MixingOptions {
  /** Hash of the manifest of the lane's release, hex, and how far its layers are apart by their files. */
  readonly release: string
  readonly shape: ModelShape
  readonly weights?: OwnWeights | undefined
}

interface Judged {
  readonly judgement: ReleaseJudgement | undefined
  readonly atMs: number
}

/**
 * Which releases' layers may stand in for those of the lane's, and whose layers are of which.
 *
 * 1. Those of the lane's release and of this member's own are taken; any other once it was judged, by whoever drives
 *    this member, and never before.
 * 2. Each is judged once; one that could not be read again after RELEASE_AGAIN_MS. What became of it is reported.
 * 3. What a peer hosts is remembered when it is gone: what it ran is judged by the weights that it ran.
 * 4. Memory is bounded: RELEASES_JUDGED_MAX releases, PEERS_MAX peers; the oldest is forgotten. No more than
 *    RELEASES_JUDGED_PER_SECOND are judged: one beyond that waits for its hosts to speak again.
 */
export class Mixing {
  private readonly release: string
  private readonly own: OwnWeights | undefined
  private readonly laneDistance: number
  private readonly releases = new Map<string, Judged>()
  private readonly judging = createQuota({
    perSecond: RELEASES_JUDGED_PER_SECOND,
    burst: RELEASES_JUDGED_BURST,
    namesMax: 1,
  })
  private readonly hosts = new Map<PeerId, string>()
  private readonly waiting = new Map<PeerId, Presence>()

  constructor({ release, shape, weights }: MixingOptions) {
    this.release = release
    this.own = weights
    this.laneDistance = shape.fileDistance ?? 0
  }

  /** The release of this member's own layers; undefined for the lane's. */
  get ownWeights(): string | undefined {
    return this.own?.release
  }

  /** Whether layers of a release are taken. @param weights undefined for the lane's. */
  takes(weights: string | undefined): boolean {
    if (weights === undefined || weights === this.own?.release) return true
    const judgement = this.releases.get(weights)?.judgement
    return judgement !== undefined && 'fileDistance' in judgement
  }

  /** Whether it is not known yet whether all of these are taken. */
  isOpen(row: readonly Weighted[]): boolean {
    return row.some(({ weights }) => !this.takes(weights) && !this.isRefused(weights))
  }

  /** Why one of these is not taken, in one line; undefined where all are. */
  fault(row: readonly Weighted[]): string | undefined {
    for (const { weights } of row) {
      if (weights === this.release)
        return "layers of the lane's release that are named as another's"
      if (!this.takes(weights))
        return `layers of release ${weights?.slice(0, 12)}, which does not mix`
    }
    return undefined
  }

  private isRefused(weights: string | undefined): boolean {
    if (weights === this.release) return true
    const judgement = this.releases.get(weights ?? '')?.judgement
    return judgement !== undefined && 'fault' in judgement
  }

  /** Has judged those of these that were not, or could not be for a while. */
  look(row: readonly Weighted[], nowMs: number): Effect[] {
    const effects: Effect[] = []
    for (const { weights } of row) {
      if (weights === undefined || this.takes(weights) || weights === this.release) continue
      const known = this.releases.get(weights)
      if (known !== undefined && !isDueAgain(known, nowMs)) continue
      if (!this.judging.take('', nowMs)) continue
      this.note(weights, { judgement: undefined, atMs: nowMs })
      effects.push({ do: 'judge-release', release: weights })
    }
    return effects
  }

  /** What became of a release. */
  judged(release: string, judgement: ReleaseJudgement, nowMs: number): Effect[] {
    this.note(release, { judgement, atMs: nowMs })
    const event =
      'fault' in judgement
        ? ({ type: 'release-skipped', release, reason: judgement.fault } as const)
        : ({ type: 'release-mixed', release } as const)
    return [{ do: 'report', event }]
  }

  /** Somebody says what its layers are of. @returns whether these are taken; otherwise it is heard again once they are. */
  hear(peer: PeerId, presence: Presence): boolean {
    const { weights } = presence
    this.hosts.delete(peer)
    this.waiting.delete(peer)
    if (weights === undefined) return true
    this.hosts.set(peer, weights)
    forgetOldest(this.hosts, PEERS_MAX)
    if (this.takes(weights)) return true
    if (this.isRefused(weights)) return false
    this.waiting.set(peer, presence)
    forgetOldest(this.waiting, PEERS_MAX)
    return false
  }

  /** Somebody is gone, and waits for nothing any more. */
  gone(peer: PeerId): void {
    this.waiting.delete(peer)
  }

  /** Those that were waiting for this release to be judged. */
  takeWaiting(release: string): [PeerId, Presence][] {
    const those = [...this.waiting].filter(([, { weights }]) => weights === release)
    for (const [peer] of those) this.waiting.delete(peer)
    return those
  }

  /** What a peer's layers are of, as it last said; undefined for the lane's release. */
  weightsOf(peer: PeerId): string | undefined {
    return this.hosts.get(peer)
  }

  /** Whose layers are not taken. */
  skipped(): PeerId[] {
    return [...this.hosts].flatMap(([peer, weights]) => (this.takes(weights) ? [] : [peer]))
  }

  /** How far a layer's output may be from another host's that has loaded another file of it, ‖a − b‖ / ‖b‖. */
  fileDistance(weights: string | undefined): number {
    if (weights === undefined) return this.laneDistance
    if (weights === this.own?.release) return this.own.fileDistance
    const judgement = this.releases.get(weights)?.judgement
    return judgement !== undefined && 'fileDistance' in judgement ? judgement.fileDistance : 0
  }

  private note(release: string, judged: Judged): void {
    this.releases.delete(release)
    this.releases.set(release, judged)
    forgetOldest(this.releases, RELEASES_JUDGED_MAX)
  }
}

function forgetOldest<K>(map: Map<K, unknown>, max: number): void {
  const [oldest] = map.keys()
  if (map.size > max && oldest !== undefined) map.delete(oldest)
}

function isDueAgain({ judgement, atMs }: Judged, nowMs: number): boolean {
  if (judgement === undefined || nowMs < atMs + RELEASE_AGAIN_MS) return false
  return 'fault' in judgement && !judgement.isFinal
}
