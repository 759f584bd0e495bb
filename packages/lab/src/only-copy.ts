import type { RequestId, Step } from '@layerswarm/swarm'
import { SeededRandom } from '@layerswarm/swarm/testing'
import { quantile } from './quantile.ts'
import type { RequestRecord } from './request-record.ts'

/** What crashes of the only holder of a request's newest tensor cost. */
export interface OnlyCopyReport {
  /** Requests whose newest tensor was lost so, each once. */
  readonly crashes: number
  /** Share of them that were answered all the same. */
  readonly answeredShare: number
  /** How much longer their answers took at the median than those of all other requests of the run, milliseconds. */
  readonly extraP50Ms: number
  /** The same at the 90th percentile: a crash after the last layer is not like one in the middle. */
  readonly extraP90Ms: number
}

/**
 * Chooses steps whose author dies with the only copy of what it computed: it has told the step, and
 * nobody has its tensor yet. Which layer of the request it is, is drawn.
 */
export class OnlyCopyCrashes {
  private readonly every: number
  private readonly layers: number
  private readonly seed: number
  private readonly doomed = new Map<RequestId, { record: RequestRecord; layers: number }>()

  /** @param every one in so many requests loses a tensor; 0: none does. */
  constructor(every: number, layers: number, seed: number) {
    this.every = every
    this.layers = layers
    this.seed = seed
  }

  /** A request that asks production's machines. */
  watch(request: RequestId, record: RequestRecord): void {
    // The last of each so many: the first requests of a run meet peers that know nobody yet.
    if (this.every === 0 || (record.index + 1) % this.every !== 0) return
    const random = SeededRandom.stream(this.seed, 'only-copy', record.index)
    this.doomed.set(request, { record, layers: 1 + random.below(this.layers) })
  }

  /** Whether the author of this step dies now; once per request, and noted in its record. */
  strikes({ request, route, activation }: Step): boolean {
    const doom = this.doomed.get(request)
    // A tensor inside the message is with everybody who heard it.
    if (doom === undefined || route.length < doom.layers || activation.place !== 'held')
      return false
    this.doomed.delete(request)
    doom.record.lostCopy = true
    return true
  }
}

/** What the crashes of a run cost; null where there were none. */
export function onlyCopyOf(records: readonly RequestRecord[]): OnlyCopyReport | null {
  const hit = records.filter(({ lostCopy }) => lostCopy)
  if (hit.length === 0) return null
  const hitMs = timesOf(hit)
  const otherMs = timesOf(records.filter(({ lostCopy }) => !lostCopy))
  const extra = (share: number) => quantile(hitMs, share) - quantile(otherMs, share)
  return {
    crashes: hit.length,
    answeredShare: hitMs.length / hit.length,
    extraP50Ms: extra(0.5),
    extraP90Ms: extra(0.9),
  }
}

/** Of those that were answered, sorted. */
function timesOf(records: readonly RequestRecord[]): number[] {
  return records
    .flatMap(({ outcome, atMs, endMs = atMs }) => (outcome === 'answered' ? [endMs - atMs] : []))
    .sort((a, b) => a - b)
}
