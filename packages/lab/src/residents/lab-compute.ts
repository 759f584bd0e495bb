import type { EncodedActivation } from '@layerswarm/model'
import type { Clock, Compute, HeadOutcome, LayerOutcome } from '@layerswarm/swarm'
import { appliedToAll, type SeededRandom, symbolicRows, tainted } from '@layerswarm/swarm/testing'
import { LIE_INTERVAL_RUNS, LIKE_OTHERS_MARK, OTHER_LAYER_MARK } from '../limits.ts'
import { logNormal } from '../scenarios/distributions.ts'
import type { Lie } from '../scenarios/population.ts'

/** Layer runs of a whole world, to tell useful from wasted work. */
export interface WorkBook {
  runs: number
  runMs: number
}

/** The speed, the faults and the lies of one peer's engine. */
export interface LabComputeOptions {
  readonly layers: number
  /** One layer run on this peer, milliseconds. */
  readonly layerMs: number
  /** Log spread of one run around it. */
  readonly sigma: number
  /** Time to fetch and check a layer file. */
  readonly loadMs: number
  /** Share of downloads that fail their check. */
  readonly corruptShare: number
  readonly lie: Lie | 'accuser' | undefined
  /** Whether what it runs now is run again, as far as its peer can tell. */
  isRecount(layer: number, hop: number, input: Uint8Array): boolean
  /** Called when a layer run begins; true when the peer dies in it. */
  dies(): boolean
}

/**
 * An engine of symbols like `SymbolicCompute`, with the speed, the faults and the lies of one peer.
 */
export class LabCompute implements Compute {
  readonly backend = 'ort-wasm'
  readonly loaded = new Set<number>()
  private readonly clock: Clock
  private readonly random: SeededRandom
  private readonly book: WorkBook
  private readonly options: LabComputeOptions
  private freeAtMs = 0
  private lostUntilMs = 0
  private previous: Uint8Array | undefined
  private firstMs: number | undefined

  constructor(clock: Clock, random: SeededRandom, book: WorkBook, options: LabComputeOptions) {
    this.clock = clock
    this.random = random
    this.book = book
    this.options = options
  }

  /** When its first layer run began; undefined while it has had none. */
  get firstRunMs(): number | undefined {
    return this.firstMs
  }

  /** The GPU is lost: whatever runs before `untilMs` fails. */
  lose(untilMs: number): void {
    this.lostUntilMs = untilMs
  }

  host(layer: number, hosted: (failure?: string) => void): void {
    const { loadMs, corruptShare } = this.options
    const isCorrupt = this.random.chance(corruptShare)
    this.clock.wakeAt(this.clock.nowMs() + loadMs, () => {
      if (!isCorrupt) this.loaded.add(layer)
      hosted(isCorrupt ? 'its bytes do not have the hash that the manifest names' : undefined)
    })
  }

  drop(layer: number): void {
    this.loaded.delete(layer)
  }

  run(
    layer: number,
    hop: number,
    input: EncodedActivation,
    finished: (outcome: LayerOutcome) => void,
  ): void {
    const { layerMs, sigma, dies } = this.options
    const now = this.clock.nowMs()
    if (!this.loaded.has(layer)) return this.fail(`layer ${layer} is not loaded`, finished)
    if (now < this.lostUntilMs) return this.fail('the device was lost', finished)
    const ms = logNormal(this.random, layerMs, sigma)
    this.freeAtMs = Math.max(this.freeAtMs, now) + ms
    this.book.runs++
    this.book.runMs += ms
    this.firstMs ??= now
    if (dies()) return
    this.clock.wakeAt(this.freeAtMs, () => {
      if (this.clock.nowMs() < this.lostUntilMs)
        return finished({ failure: 'the device was lost while it computed' })
      finished({ activation: { ...input, bytes: this.result(layer, hop, input) }, ms })
    })
  }

  /** Runs a whole small model of so many layers. */
  runWhole(layers: number, finished: (ms: number | undefined) => void): void {
    const { layerMs, sigma, dies } = this.options
    const now = this.clock.nowMs()
    const ms = logNormal(this.random, layers * layerMs, sigma)
    this.freeAtMs = Math.max(this.freeAtMs, now) + ms
    this.book.runs += layers
    this.book.runMs += ms
    this.firstMs ??= now
    if (dies()) return
    this.clock.wakeAt(this.freeAtMs, () => finished(now < this.lostUntilMs ? undefined : ms))
  }

  runHead(input: EncodedActivation, finished: (outcome: HeadOutcome) => void): void {
    this.clock.wakeAt(this.clock.nowMs(), () => {
      finished({ logits: symbolicRows(input) })
    })
  }

  private fail(failure: string, finished: (outcome: LayerOutcome) => void): void {
    this.clock.wakeAt(this.clock.nowMs(), () => finished({ failure }))
  }

  /** A lie that is like no other, and shows in the size of its step. */
  private showingMark(): number {
    return 2 + this.random.below(126)
  }

  /** One that does not show. */
  private hiddenMark(): number {
    return 128 + this.random.below(127)
  }

  private result(layer: number, hop: number, input: EncodedActivation): Uint8Array {
    const { lie, layers } = this.options
    const honest = appliedToAll(layer, input)
    const { previous } = this
    this.previous = honest
    switch (lie) {
      case undefined:
        return honest
      case 'free-rider':
        return input.bytes.slice()
      case 'accuser':
        return this.options.isRecount(layer, hop, input.bytes)
          ? tainted(honest, this.hiddenMark())
          : honest
      case 'one-in-ten':
        return this.random.below(LIE_INTERVAL_RUNS) === 0
          ? tainted(honest, this.showingMark())
          : honest
      case 'stale':
        return tainted(previous ?? honest, this.hiddenMark())
      case 'other-layer':
        return tainted(appliedToAll((layer + 1) % layers, input), OTHER_LAYER_MARK)
      case 'random':
        return tainted(honest, this.showingMark())
      case 'scaled':
        // By the same factor as others who scale: two of them agree.
        return tainted(honest, LIKE_OTHERS_MARK)
      default:
        return lie satisfies never
    }
  }
}
