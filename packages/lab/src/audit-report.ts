import type { MemberEvent, PeerId } from '@layerswarm/swarm'
import { quantile } from './quantile.ts'
import type { Actor } from './scenarios/population.ts'

/** What audits cost and found. */
export interface AuditReport {
  /** Layers that were run again, per layer in an answer. */
  readonly share: number
  /** The same of the second half of the time: what is left when most are known. */
  readonly steadyShare: number
  /** Verdicts of one requester on one peer that lies, and on one that does not. */
  readonly liarsOutvoted: number
  readonly honestOutvoted: number
  /** Layers that a peer that always lies had served a requester when that found it out, median; null where none was. */
  readonly layersUntilOutvoted: number | null
}

/** Peers that lie each time they are asked. */
const ALWAYS: ReadonlySet<Actor> = new Set([
  'free-rider',
  'random',
  'scaled',
  'stale',
  'other-layer',
])

/** Notes what the audits of a world cost and find. */
export class AuditWatch {
  private readonly runs: { readonly atMs: number; readonly layers: number }[] = []
  private readonly useful: { readonly atMs: number; readonly layers: number }[] = []
  /** By requester and peer, the layers that were heard of. */
  private readonly served = new Map<string, Set<string>>()
  private readonly until: number[] = []
  private liars = 0
  private honest = 0

  /** Something happened to whoever asks. @param actorOf what a peer is up to. */
  heard(
    asker: PeerId,
    event: MemberEvent,
    actorOf: (peer: PeerId) => Actor | undefined,
    nowMs: number,
  ): void {
    switch (event.type) {
      case 'recomputed':
        this.runs.push({ atMs: nowMs, layers: event.layers })
        return
      case 'answered':
        this.useful.push({ atMs: nowMs, layers: event.answer.route.length })
        return
      case 'progressed':
        for (const { layer, peer } of event.route)
          this.servedBy(asker, peer).add(`${event.request} ${layer}`)
        return
      case 'peer-outvoted': {
        const actor = actorOf(event.peer)
        if (actor === undefined || actor === 'honest' || actor === 'asker') this.honest++
        else this.liars++
        if (actor !== undefined && ALWAYS.has(actor))
          this.until.push(this.servedBy(asker, event.peer).size)
      }
    }
  }

  report(): AuditReport {
    const times = this.useful.map(({ atMs }) => atMs)
    const middleMs = ((times[0] ?? 0) + (times.at(-1) ?? 0)) / 2
    const share = (fromMs: number) => {
      const since = (all: readonly { atMs: number; layers: number }[]) =>
        all.reduce((sum, { atMs, layers }) => sum + (atMs >= fromMs ? layers : 0), 0)
      return since(this.runs) / Math.max(1, since(this.useful))
    }
    return {
      share: share(0),
      steadyShare: share(middleMs),
      liarsOutvoted: this.liars,
      honestOutvoted: this.honest,
      layersUntilOutvoted:
        this.until.length === 0
          ? null
          : quantile(
              this.until.sort((a, b) => a - b),
              0.5,
            ),
    }
  }

  private servedBy(asker: PeerId, peer: PeerId): Set<string> {
    const key = `${asker} ${peer}`
    let found = this.served.get(key)
    if (found === undefined) {
      found = new Set()
      this.served.set(key, found)
    }
    return found
  }
}
