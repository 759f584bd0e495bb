import type { EncodedActivation } from '@layerswarm/model'
import type { Effect, Input } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import type { LayerOutcome } from '../ports.ts'
import type { Audit, Verdict } from './audit.ts'
import { OWN_LAYERS_MAX, OWN_TENSOR_BYTES_MAX } from './limits.ts'
import { type RoundArithmetic, roundArithmetic, type Summing } from './round-arithmetic.ts'

/** What comes of loading a layer, and of running one. */
export type OwnRunInput = Extract<Input, { on: 'layer-hosted' | 'layer-run' }>

/** A stretch that is run here, layer by layer. */
interface Errand {
  readonly audit: Audit
  /** Layers of it that have run. */
  ran: number
  /** What the next layer is given. */
  tensor: EncodedActivation
  /** Where all of them are given the same: the sum of their updates. */
  readonly summing: Summing | undefined
  job: JobId | undefined
}

/** What came of a stretch that was to be run here. */
export interface OwnRun {
  readonly audit: Audit
  /** Undefined where it could not be run, or where this member's own engine may be what is wrong. */
  readonly verdict: Verdict | undefined
}

/**
 * Runs here what others dispute: of several that lie alike nobody but this member's own engine can tell who is right.
 * Layers that ran at once on one input are given that one here too, and their updates added up.
 *
 * 1. One stretch at a time, the others wait for their turn.
 * 2. Layers are loaded for it and announced to nobody; at most OWN_LAYERS_MAX stay, the latest used.
 * 3. What is hosted for others is run where it is, and never dropped from here.
 * 4. Only what is small: tensors of at most OWN_TENSOR_BYTES_MAX.
 * 5. What it comes to decides, once its engine has come to the same as anybody else: before that it may be what is wrong.
 */
export class OwnRuns {
  private readonly hosted: ReadonlySet<number>
  private readonly nextJob: () => JobId
  private readonly arithmetic: RoundArithmetic
  private readonly errands: Errand[] = []
  private readonly ends: OwnRun[] = []
  /** Loaded for this, the latest used last. */
  private readonly loaded = new Set<number>()
  private fetching: number | undefined
  private isEngineProven = false

  /** @param hosted layers that this member hosts for others. */
  constructor(
    hosted: ReadonlySet<number>,
    nextJob: () => JobId,
    arithmetic: RoundArithmetic = roundArithmetic,
  ) {
    this.hosted = hosted
    this.nextJob = nextJob
    this.arithmetic = arithmetic
  }

  /** Whether a disputed stretch can be run here, and was not yet. */
  takes({ input, isOwnRunTried, stretch }: Audit): boolean {
    return (
      !isOwnRunTried &&
      input !== undefined &&
      input.bytes.length <= OWN_TENSOR_BYTES_MAX &&
      stretch.layers.length <= OWN_LAYERS_MAX
    )
  }

  /** Runs it, when its turn comes. @param input what its first layer is given. */
  begin(audit: Audit, input: EncodedActivation): Effect[] {
    audit.isOwnRunTried = true
    audit.isRunning = true
    const summing = audit.isAtOnce ? this.arithmetic.summing(input) : undefined
    this.errands.push({ audit, ran: 0, tensor: input, summing, job: undefined })
    return this.errands.length === 1 ? this.goOn() : []
  }

  /** What came of an effect, whosever it was. */
  on(input: OwnRunInput): Effect[] {
    return input.on === 'layer-hosted'
      ? this.onHosted(input.layer, input.failure)
      : this.onRun(input.job, input.outcome)
  }

  /** A layer is here, or cannot be had. */
  private onHosted(layer: number, failure: string | undefined): Effect[] {
    if (this.fetching !== layer) return failure === undefined ? this.dropped(layer) : []
    this.fetching = undefined
    if (failure === undefined) this.loaded.add(layer)
    const [errand] = this.errands
    const isNext = errand?.audit.stretch.layers[errand.ran] === layer
    return failure !== undefined && isNext ? this.end(undefined) : this.goOn()
  }

  /** A layer has run. */
  private onRun(job: JobId, outcome: LayerOutcome): Effect[] {
    const [errand] = this.errands
    if (errand === undefined || errand.job?.number !== job.number) return []
    const { layers } = errand.audit.stretch
    errand.job = undefined
    if ('failure' in outcome) {
      this.loaded.delete(layers[errand.ran] as number)
      return this.end(undefined)
    }
    if (errand.summing === undefined) errand.tensor = outcome.activation
    else errand.summing.take(outcome.activation)
    errand.ran++
    return errand.ran < layers.length ? this.goOn() : this.end(this.outputOf(errand))
  }

  private outputOf({ tensor, summing }: Errand): EncodedActivation | undefined {
    if (summing === undefined) return tensor
    const sum = summing.sum()
    return sum && this.arithmetic.add(tensor, [sum])
  }

  /** Nobody waits for a stretch any more. */
  drop(audit: Audit): Effect[] {
    const at = this.errands.findIndex((errand) => errand.audit === audit)
    if (at < 0) return []
    this.errands.splice(at, 1)
    return at === 0 ? this.goOn() : []
  }

  /** What has been run, or could not be, since this was asked last. */
  takeEnds(): OwnRun[] {
    return this.ends.splice(0)
  }

  private end(output: EncodedActivation | undefined): Effect[] {
    const errand = this.errands.shift()
    if (errand !== undefined) {
      const { audit } = errand
      const verdict = output && audit.verdictBy(output)
      this.isEngineProven ||= verdict !== undefined && verdict.right.length > 0
      audit.isRunning = false
      this.ends.push({ audit, verdict: this.isEngineProven ? verdict : undefined })
    }
    return this.goOn()
  }

  /** The next layer of the first in turn. */
  private goOn(): Effect[] {
    const [errand] = this.errands
    if (errand === undefined || errand.job !== undefined || this.fetching !== undefined) return []
    const { before, layers } = errand.audit.stretch
    const layer = layers[errand.ran] as number
    if (!this.isHere(layer)) {
      const room = this.makeRoom()
      this.fetching = layer
      return [...room, { do: 'host-layer', layer }]
    }
    const job = this.nextJob()
    errand.job = job
    const hop = before.route.length + errand.ran
    return [{ do: 'run-layer', job, layer, hop, input: errand.tensor }]
  }

  private isHere(layer: number): boolean {
    if (this.hosted.has(layer)) return true
    if (!this.loaded.delete(layer)) return false
    this.loaded.add(layer)
    return true
  }

  private makeRoom(): Effect[] {
    const [oldest] = this.loaded
    if (this.loaded.size < OWN_LAYERS_MAX || oldest === undefined) return []
    this.loaded.delete(oldest)
    return this.dropped(oldest)
  }

  private dropped(layer: number): Effect[] {
    return this.hosted.has(layer) || this.loaded.has(layer) ? [] : [{ do: 'drop-layer', layer }]
  }
}
