import type { EncodedActivation } from '@layerswarm/model'
import type { Clock } from '../ports.ts'
import { SymbolicCompute } from './symbolic-compute.ts'
import { tainted } from './symbols.ts'

/** When it lies, and how. */
export interface Lies {
  /** Whether it says something else than it computes. */
  isLie(layer: number, hop: number, input: Uint8Array): boolean
  /** Of its next lie; those with the same mark are the same. */
  nextMark(): number
}

/** An engine that says something else than it computes, when it is told to; a layer takes it 2 ms. */
export class LyingCompute extends SymbolicCompute {
  private readonly lies: Lies

  constructor(clock: Clock, lies: Lies) {
    super(clock, 2)
    this.lies = lies
  }

  protected override sayer(layer: number, hop: number, input: EncodedActivation): () => Uint8Array {
    const truth = super.sayer(layer, hop, input)
    if (!this.lies.isLie(layer, hop, input.bytes)) return truth
    return () => tainted(truth(), this.lies.nextMark())
  }
}
