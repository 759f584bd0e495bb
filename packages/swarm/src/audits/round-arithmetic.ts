import {
  decodeActivation,
  type EncodedActivation,
  encodeActivation,
  tensor,
} from '@layerswarm/model'
import { type Agreement, withinTolerance } from './agreement.ts'

/** Adds up what the layers of one executor make of the input of a round, one output after the other. */
export interface Summing {
  /** @param output of one layer on the input, of the same shape. */
  take(output: EncodedActivation): void
  /** The sum of the updates so far, in the input's type; undefined when that cannot hold it. */
  sum(): EncodedActivation | undefined
}

/** The arithmetic of rounds: x' = x + sum over the layers l of a round of (f_l(x) - x). Every tensor is (B, T, C). */
export interface RoundArithmetic {
  summing(input: EncodedActivation): Summing
  /** The input of the next round; undefined when it is not finite, or a sum is of another size. */
  add(input: EncodedActivation, sums: readonly EncodedActivation[]): EncodedActivation | undefined
  /** Whether two outputs of the same layers on the same input are as near to one another as engines are. */
  readonly agree: Agreement
}

/** In single precision, encoded as the input was. */
export const roundArithmetic: RoundArithmetic = {
  summing(input) {
    const x = decodeActivation(input).data
    const sum = new Float32Array(x.length)
    return {
      take(output) {
        const y = decodeActivation(output).data
        for (let i = 0; i < sum.length; i++)
          sum[i] = (sum[i] as number) + (y[i] as number) - (x[i] as number)
      },
      sum: () => encodedOr(sum, input),
    }
  },
  add(input, sums) {
    const next = decodeActivation(input).data.slice()
    for (const one of sums) {
      const { data } = decodeActivation(one)
      if (data.length !== next.length) return undefined
      for (let i = 0; i < next.length; i++) next[i] = (next[i] as number) + (data[i] as number)
    }
    return encodedOr(next, input)
  },
  agree: withinTolerance,
}

/** Encoded as another one was; undefined for what is not finite, or beyond the type. */
function encodedOr(
  data: Float32Array,
  { dtype, shape }: EncodedActivation,
): EncodedActivation | undefined {
  try {
    return encodeActivation(tensor([...shape], data), dtype)
  } catch {
    return undefined
  }
}
