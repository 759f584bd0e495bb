import {
  decodeActivation,
  type EncodedActivation,
  encodeActivation,
  type Part,
  rowsOf,
  type Tensor,
} from '@layerswarm/model'
import type { Clock, Compute, HeadOutcome, LayerOutcome } from '@layerswarm/swarm'
import { errorText } from '../logic/wording.ts'
import { LAYER_LOAD_MS, LAYER_MS, SLOWNESS_FACTOR } from './limits.ts'
import type { Pace } from './pace.ts'

/** Computes parts of the model for every simulated peer. */
export interface LabEngine {
  /** @param hop the position in which a layer is applied, from 0. */
  run(part: Part, input: Tensor, hop: number): Promise<Tensor>
}

/** What a simulated peer is up to. */
export type Mood = 'well' | 'slow' | 'lying'

const WIRE_DTYPE = 'float16'

/**
 * The compute of one simulated peer: the true layer on the true weights, in the time that a
 * volunteer might take. One layer at a time, as in an engine.
 */
export class LabCompute implements Compute {
  readonly backend = 'reference'
  mood: Mood = 'well'
  /** The peer is gone; what it was computing never arrives. */
  ended = false
  private readonly clock: Clock
  private readonly engine: LabEngine
  private readonly pace: Pace
  private readonly refuses: (layer: number) => boolean
  private readonly hosted = new Set<number>()
  private freeAtMs = 0

  /** @param refuses layers that nobody may host at present. */
  constructor(clock: Clock, engine: LabEngine, pace: Pace, refuses: (layer: number) => boolean) {
    this.clock = clock
    this.engine = engine
    this.pace = pace
    this.refuses = refuses
  }

  host(layer: number, hosted: (failure?: string) => void): void {
    this.after(LAYER_LOAD_MS, () => {
      if (this.refuses(layer)) return hosted(`layer ${layer} was dropped from this swarm`)
      this.hosted.add(layer)
      hosted()
    })
  }

  drop(layer: number): void {
    this.hosted.delete(layer)
  }

  run(
    layer: number,
    hop: number,
    input: EncodedActivation,
    finished: (outcome: LayerOutcome) => void,
  ): void {
    if (!this.hosted.has(layer)) {
      return this.after(0, () => finished({ failure: `layer ${layer} is not hosted` }))
    }
    const ms = this.layerMs
    this.apply(layer, hop, decodeActivation(input), (output) => {
      if (typeof output === 'string') return finished({ failure: output })
      finished({ activation: encodeActivation(output, WIRE_DTYPE), ms })
    })
  }

  runHead(input: EncodedActivation, finished: (outcome: HeadOutcome) => void): void {
    const logits = this.engine.run('head', decodeActivation(input), 0)
    this.pace.of(this.clock.nowMs(), logits).then(
      (logits) => finished({ logits: rowsOf(logits).map((row) => Array.from(row)) }),
      (error: unknown) => finished({ failure: errorText(error) }),
    )
  }

  /** One layer, (1, T, C) → (1, T, C), or a line that says why not; silent when the peer has ended. */
  apply(layer: number, hop: number, input: Tensor, done: (output: Tensor | string) => void): void {
    this.freeAtMs = Math.max(this.freeAtMs, this.clock.nowMs()) + this.layerMs
    const dueMs = this.freeAtMs
    const finish = (output: Tensor | string) =>
      this.after(dueMs - this.clock.nowMs(), () => done(output))
    this.pace.of(dueMs, this.engine.run(layer, input, hop)).then(
      (output) => finish(this.mood === 'lying' ? lie(output) : output),
      (error: unknown) => finish(errorText(error)),
    )
  }

  /** What a run takes that begins now; its wait for those before it is no work. */
  private get layerMs(): number {
    return LAYER_MS * (this.mood === 'slow' ? SLOWNESS_FACTOR : 1)
  }

  private after(ms: number, then: () => void): void {
    this.clock.wakeAt(this.clock.nowMs() + Math.max(0, ms), () => {
      if (!this.ended) then()
    })
  }
}

/** Wrong, but of the right shape and size, so that only computing it again can tell. */
function lie(output: Tensor): Tensor {
  return { shape: output.shape, data: output.data.map((value) => -value) }
}
