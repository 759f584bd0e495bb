import type { EncodedActivation } from '@layerswarm/model'
import type { Clock, Compute, HeadOutcome, LayerOutcome } from '../ports.ts'
import { appliedToAll, symbolicRows } from './symbols.ts'

/**
 * Stands in for an engine where only time and truth matter: an activation is the list of layers
 * that were applied to it (symbols.ts), so a test can tell whether an answer was computed as its
 * route says.
 */
export class SymbolicCompute implements Compute {
  readonly backend = 'reference'
  /** Multiplies every layer's time: 10 makes a straggler. */
  slowness = 1
  /** Takes work and never finishes it. */
  frozen = false
  private readonly clock: Clock
  private readonly layerMs: number
  private readonly loadMs: number
  private readonly loaded = new Set<number>()
  /** One engine computes one thing at a time. */
  private freeAtMs = 0

  constructor(clock: Clock, layerMs: number, loadMs = 20) {
    this.clock = clock
    this.layerMs = layerMs
    this.loadMs = loadMs
  }

  host(layer: number, hosted: (failure?: string) => void): void {
    this.later(this.loadMs, () => {
      this.loaded.add(layer)
      hosted()
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
    if (!this.loaded.has(layer))
      return this.later(0, () => finished({ failure: `layer ${layer} is not loaded` }))
    const ms = this.layerMs * this.slowness
    this.freeAtMs = Math.max(this.freeAtMs, this.clock.nowMs()) + ms
    const bytesOf = this.sayer(layer, hop, input)
    this.later(this.freeAtMs - this.clock.nowMs(), () =>
      finished({ activation: { ...input, bytes: bytesOf() }, ms }),
    )
  }

  /** Decides when a run begins what it will say at its end: here the truth. */
  protected sayer(layer: number, _hop: number, input: EncodedActivation): () => Uint8Array {
    return () => appliedToAll(layer, input)
  }

  runHead(input: EncodedActivation, finished: (outcome: HeadOutcome) => void): void {
    this.later(0, () => finished({ logits: symbolicRows(input) }))
  }

  private later(ms: number, then: () => void): void {
    if (!this.frozen) this.clock.wakeAt(this.clock.nowMs() + ms, () => this.frozen || then())
  }
}
