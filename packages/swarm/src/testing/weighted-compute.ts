import type { EncodedActivation } from '@layerswarm/model'
import { LAYERS_MAX } from '../limits.ts'
import type { Clock } from '../ports.ts'
import { SymbolicCompute } from './symbolic-compute.ts'

/** What stands for a layer of the other release in an activation: no layer has that number. */
export function foreignSymbol(layer: number): number {
  return LAYERS_MAX + layer
}

/** An engine with the weights of another release than the lane's: what it makes of a layer is told from that one's. */
export class WeightedCompute extends SymbolicCompute {
  constructor(clock: Clock) {
    super(clock, 2)
  }

  protected override sayer(layer: number, hop: number, input: EncodedActivation): () => Uint8Array {
    return super.sayer(foreignSymbol(layer), hop, input)
  }
}
