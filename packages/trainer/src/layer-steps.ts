import { type ModelSpec, POSITION_WIDTH, VARIANT_LAYER_NORM_EPS } from '@layerswarm/model'
import type { Loss, Step, Tape } from './differentiable.ts'

/** Sizes that the graph of a batch is built for. */
export interface BatchSize {
  /** B: images. */
  readonly batch: number
  /** T: tokens of one image. */
  readonly tokens: number
}

/** One encoder layer on x (B·T, C), pre-norm; `prefix` leads to the names of its parameters. */
export function encoderLayer(
  tape: Tape,
  spec: ModelSpec,
  size: BatchSize,
  prefix: string,
  x: string,
): Step {
  const { layerNormEps: eps } = spec
  const before = tape.layerNorm(x, `${prefix}layernorm_before`, eps)
  const attention = selfAttention(tape, spec, size, `${prefix}attention.`, before.value)
  const middle = tape.add(x, attention.value) // (B·T, C)
  const after = tape.layerNorm(middle, `${prefix}layernorm_after`, eps)
  const hidden = tape.linear(after.value, `${prefix}intermediate.dense`) // (B·T, F)
  const active = tape.gelu(hidden.value)
  const output = tape.linear(active.value, `${prefix}output.dense`) // (B·T, C)
  return {
    value: tape.add(middle, output.value),
    backward(dy) {
      const dHidden = active.backward(output.backward(dy)) // (B·T, F)
      const dMiddle = tape.add(dy, after.backward(hidden.backward(dHidden)))
      return tape.add(dMiddle, before.backward(attention.backward(dMiddle)))
    },
  }
}

/** Multi-head self-attention with its output projection, (B·T, C) → (B·T, C). */
function selfAttention(
  tape: Tape,
  { width: c, heads: h }: ModelSpec,
  { batch, tokens }: BatchSize,
  prefix: string,
  x: string,
): Step {
  const { graph, reshape, transpose } = tape
  const d = c / h
  const scale = graph.scalar(1 / Math.sqrt(d))
  const split = (flat: string, perm: readonly number[]): string =>
    transpose(reshape(flat, [batch, tokens, h, d]), perm)
  const merge = (heads: string, perm: readonly number[]): string =>
    reshape(transpose(heads, perm), [batch * tokens, c])
  const swap = (x: string): string => transpose(x, [0, 1, 3, 2])

  const query = tape.linear(x, `${prefix}attention.query`)
  const key = tape.linear(x, `${prefix}attention.key`)
  const value = tape.linear(x, `${prefix}attention.value`)
  const q = tape.mul(split(query.value, [0, 2, 1, 3]), scale) // (B, H, T, D)
  const v = split(value.value, [0, 2, 1, 3]) // (B, H, T, D)
  const scores = graph.op('MatMul', [q, split(key.value, [0, 2, 3, 1])]) // (B, H, T, T)
  const weights = graph.op('Softmax', [scores], { axis: -1 }) // (B, H, T, T)
  const mixed = graph.op('MatMul', [weights, v]) // (B, H, T, D)
  const output = tape.linear(merge(mixed, [0, 2, 1, 3]), `${prefix}output.dense`)
  return {
    value: output.value,
    backward(dy) {
      const dMixed = split(output.backward(dy), [0, 2, 1, 3]) // (B, H, T, D)
      const dWeights = graph.op('MatMul', [dMixed, swap(v)]) // (B, H, T, T)
      // The sum over a row of dWeights · weights equals that of dMixed · mixed, which is shorter
      // (FlashAttention, arXiv 2205.14135, appendix B.2).
      const rows = tape.sum(tape.mul(dMixed, mixed), -1, true) // (B, H, T, 1)
      const dScores = tape.mul(weights, tape.sub(dWeights, rows)) // (B, H, T, T)
      const dQuery = tape.mul(graph.op('MatMul', [dScores, split(key.value, [0, 2, 1, 3])]), scale)
      // Products from the left keep the T × T matrices untransposed.
      const dKey = graph.op('MatMul', [swap(q), dScores]) // (B, H, D, T)
      const dValue = graph.op('MatMul', [swap(dMixed), weights]) // (B, H, D, T)
      const fromQuery = query.backward(merge(dQuery, [0, 2, 1, 3])) // (B·T, C)
      const fromKey = key.backward(merge(dKey, [0, 3, 1, 2]), fromQuery)
      return value.backward(merge(dValue, [0, 3, 1, 2]), fromKey)
    },
  }
}

/**
 * What a `position` model does before a layer (LayerShuffle, arXiv 2407.04513, section 3):
 * x + gelu(Linear(LN([x, e]))) for the row e of the embedding, (B·T, C) → (B·T, C).
 * @param row e, (1, E).
 * @param onRowGradient is given the gradient of e, (1, E), on the way back.
 */
export function hopPosition(
  tape: Tape,
  { width: c }: ModelSpec,
  { batch, tokens }: BatchSize,
  prefix: string,
  x: string,
  row: string,
  onRowGradient: (gradient: string) => void,
): Step {
  const { graph } = tape
  const wide = c + POSITION_WIDTH
  const everywhere = graph.op('Expand', [row, graph.integers([batch * tokens, POSITION_WIDTH])])
  const joined = graph.op('Concat', [x, everywhere], { axis: 1 }) // (B·T, C + E)
  const norm = tape.layerNorm(joined, `${prefix}projection.net.0`, VARIANT_LAYER_NORM_EPS)
  const projected = tape.linear(norm.value, `${prefix}projection.net.1`) // (B·T, C)
  const active = tape.gelu(projected.value)
  return {
    value: tape.add(x, active.value),
    backward(dy) {
      const dJoined = norm.backward(projected.backward(active.backward(dy))) // (B·T, C + E)
      onRowGradient(tape.sum(tape.slice(dJoined, 1, c, wide), 0, true))
      return tape.add(dy, tape.slice(dJoined, 1, 0, c))
    },
  }
}

/** A guess and how wrong it was. */
export interface HopPrediction {
  readonly loss: string
  /** Gradient with respect to what the guess was made from, (B·T, C). */
  backward(): string
}

/**
 * What a `predict` model learns beside its task (LayerShuffle, section 3): the output x (B·T, C)
 * of a layer tells the slot in which it ran, Linear(LN(mean over tokens)).
 * @param weight of the cross-entropies, which are summed over the batch.
 */
export function hopPrediction(
  tape: Tape,
  { width: c, layers }: ModelSpec,
  { batch, tokens }: BatchSize,
  prefix: string,
  x: string,
  slot: number,
  weight: number,
): HopPrediction {
  const { graph } = tape
  const share = graph.scalar(1 / tokens)
  const summed = tape.sum(tape.reshape(x, [batch, tokens, c]), 1, false)
  const norm = tape.layerNorm(
    tape.mul(summed, share), // (B, C)
    `${prefix}position_mlp.net.0`,
    VARIANT_LAYER_NORM_EPS,
  )
  const guess = tape.linear(norm.value, `${prefix}position_mlp.net.1`) // (B, layers)
  const target = Float32Array.from({ length: layers }, (_, hop) => (hop === slot ? 1 : 0))
  const loss: Loss = tape.crossEntropy(guess.value, graph.constant(target, [1, layers]), weight)
  return {
    loss: loss.value,
    backward() {
      const dMean = tape.mul(norm.backward(guess.backward(loss.gradient)), share) // (B, C)
      const everywhere = graph.op('Expand', [
        tape.reshape(dMean, [batch, 1, c]),
        graph.integers([batch, tokens, c]),
      ])
      return tape.reshape(everywhere, [batch * tokens, c])
    },
  }
}
