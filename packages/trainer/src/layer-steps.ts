import type { ModelSpec } from '@layerswarm/model'
import type { Step, Tape } from './differentiable.ts'

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
