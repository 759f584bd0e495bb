import { layerSet } from '../claims/layer-set.ts'
import { NEAR_MS } from '../claims/limits.ts'
import type { Choice, Host } from '../claims/policy.ts'
import { tourMs } from '../claims/tour.ts'
import { draw, drawMixed } from '../draw.ts'
import { tagOf } from '../presence/near.ts'
import type { Ways } from '../presence/ways.ts'
import type { Errands } from '../provider/errands.ts'
import type { Survey } from '../provider/scout.ts'
import type { PeerId } from '../wire/messages.ts'
import { SHARE_OVERHEAD_MS, TRIED_BYTES_PER_MS } from './limits.ts'
import type { Executor, HubAccess } from './plan.ts'

/** Where a hub looks. */
export interface SightNeeds {
  readonly self: PeerId
  readonly hosted: ReadonlySet<number>
  readonly errands: Pick<Errands, 'isFree' | 'pending' | 'layerMs'>
  readonly ways: Ways
  readonly survey: (of: Survey, nowMs: number) => Choice
}

/** Who could run layers of a request, as a hub sees them, in an order drawn for it. */
export interface Seen {
  readonly executors: readonly Executor[]
  readonly access: HubAccess
  /** Everybody who hosts some of the layers, in reach or not. */
  readonly hosts: readonly Pick<Host, 'peer' | 'layers' | 'isReachable'>[]
  /** What a tour over the same layers should take, milliseconds. */
  tourMs(): number
}

/** What a hub has under way. */
export interface HubLoad {
  /** Layers that it waits for, by peer. */
  readonly asked: ReadonlyMap<PeerId, number>
  /** Until its copies have left, milliseconds. */
  readonly waitMs: number
}

/** Sees the lane, and this member among it, as the hub of a round must. */
export class Sight {
  private readonly needs: SightNeeds

  constructor(needs: SightNeeds) {
    this.needs = needs
  }

  look(of: Survey, { asked, waitMs }: HubLoad, nowMs: number): Seen {
    const { self, survey, ways } = this.needs
    const choice = survey(of, nowMs)
    const { request, bytes } = of
    const able = choice.hosts.filter(({ isReachable, doubt }) => isReachable && doubt === 0)
    // Those that were silent are better than nobody.
    const hosts = able.length > 0 ? able : choice.hosts.filter(({ isReachable }) => isReachable)
    const seed = draw(request, self)
    const drawn = [...hosts].sort((a, b) => drawMixed(seed, a.mark) - drawMixed(seed, b.mark))
    const others = drawn.map((host) => this.executor(host, of, asked.get(host.peer) ?? 0))
    const own = this.own(of, nowMs)
    return {
      executors: own === undefined ? others : [own, ...others],
      hosts: choice.hosts,
      access: {
        sendMs: bytes / ways.uploadBytesPerMs(self, TRIED_BYTES_PER_MS),
        receiveMs: bytes / ways.downloadBytesPerMs(self, TRIED_BYTES_PER_MS),
        waitMs,
      },
      tourMs: () => this.tourMs(choice, able, own, of),
    }
  }

  /** A tensor of a peer through its access and this member's, milliseconds. */
  transferMs(bytes: number, from: PeerId): number {
    return this.needs.ways.transferMs(bytes, from, this.needs.self)
  }

  private executor(host: Host, { bytes }: Survey, asked: number): Executor {
    const { ways } = this.needs
    const { peer, layers, layerMs, isMeasured, pending, extraMs } = host
    return {
      ...{ peer, layers, layerMs, isMeasured },
      pending: pending + asked,
      wayMs: ways.rttMs(peer) + extraMs + SHARE_OVERHEAD_MS,
      inMs: bytes / ways.downloadBytesPerMs(peer, TRIED_BYTES_PER_MS),
      outMs: bytes / ways.uploadBytesPerMs(peer, TRIED_BYTES_PER_MS),
      isHub: false,
    }
  }

  /** This member, where it hosts some of the layers and may run them now. */
  private own({ layers, barred, isRecount }: Survey, nowMs: number): Executor | undefined {
    const { self, hosted, errands } = this.needs
    if (isRecount && barred.includes(tagOf(draw(self)))) return undefined
    const able = layers.filter((layer) => hosted.has(layer))
    if (able.length === 0 || !errands.isFree(nowMs)) return undefined
    const { ms: layerMs, isMeasured } = errands.layerMs
    return {
      peer: self,
      layers: layerSet(able),
      ...{ layerMs, isMeasured, pending: errands.pending },
      ...{ wayMs: 0, inMs: 0, outMs: 0, isHub: true },
    }
  }

  /** As the author of the first step would go: its own layers first where that costs no more than a way, then the others. */
  private tourMs(
    choice: Choice,
    able: readonly Host[],
    own: Executor | undefined,
    { layers }: Survey,
  ): number {
    const { hosted } = this.needs
    const mine = layers.filter((layer) => hosted.has(layer))
    const usualMs = median(able.map(({ layerMs }) => layerMs)) ?? own?.layerMs ?? 0
    const isFirst =
      own !== undefined &&
      (!own.isMeasured || mine.length * (own.layerMs - usualMs) <= NEAR_MS || able.length === 0)
    if (!isFirst) return tourMs(choice, able)
    const rest = layers.filter((layer) => !hosted.has(layer))
    const ownMs = (own.pending + mine.length) * own.layerMs
    return rest.length === 0 ? ownMs : ownMs + tourMs({ ...choice, open: layerSet(rest) }, able)
  }
}

function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}
