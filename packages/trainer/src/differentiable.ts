import type { GraphBuilder } from '@layerswarm/model'

/** What a graph is written to: the builder of ONNX files, or an engine with its own form. */
export type GraphWriter = Omit<GraphBuilder, 'external' | 'serialize'>

/**
 * A differentiable operation in a graph: its result, and how the gradient of the loss with respect
 * to the result becomes the gradient with respect to the operand. Gradients of parameters met on
 * the way back are noted in the tape.
 */
export interface Step {
  readonly value: string
  backward(gradient: string): string
}

/** Writes operations and their gradients into one graph. Matrices are (rows, columns). */
export interface Tape {
  readonly graph: GraphWriter
  /** Gradients of parameters, by the name of the parameter; complete after all `backward` calls. */
  readonly gradients: Map<string, string>
  add(a: string, b: string): string
  sub(a: string, b: string): string
  mul(a: string, b: string): string
  reshape(x: string, shape: readonly number[]): string
  transpose(x: string, perm: readonly number[]): string
  /** The part of x from `start` to `end` along one axis. */
  slice(x: string, axis: number, start: number, end: number): string
  /** Sum over one axis. */
  sum(x: string, axis: number, keepAxis: boolean): string
  /** x (M, I) → x · Wᵀ + b (M, O), with the weight W (O, I). */
  linear(x: string, name: string): LinearStep
  /** Layer norm of the rows of x (M, C). */
  layerNorm(x: string, name: string, eps: number): Step
  /** Exact GELU, x · Φ(x). */
  gelu(x: string): Step
  /**
   * Cross-entropy of softmax(logits) (M, K) with the wanted probabilities, (M, K) or the same row
   * (1, K) for all, summed over the rows and scaled by `weight`.
   */
  crossEntropy(logits: string, targets: string, weight: number): Loss
}

/** A loss in a graph, by the names of its values. */
export interface Loss {
  /** Scalar, []. */
  readonly value: string
  /** With respect to the logits, (M, K). */
  readonly gradient: string
}

/** A matrix product with a bias, y = x·Wᵀ + b. */
export interface LinearStep extends Step {
  /** `plus` is added to the gradient inside the same matrix product. */
  backward(gradient: string, plus?: string): string
}

/**
 * A tape that writes into `graph`. A parameter stands in one step only: its gradient is set, not
 * added to what was there.
 */
export function createTape(graph: GraphWriter): Tape {
  const gradients = new Map<string, string>()
  const add = (a: string, b: string): string => graph.op('Add', [a, b])
  const sub = (a: string, b: string): string => graph.op('Sub', [a, b])
  const mul = (a: string, b: string): string => graph.op('Mul', [a, b])
  const reshape = (x: string, shape: readonly number[]): string =>
    graph.op('Reshape', [x, graph.integers(shape)])
  const transpose = (x: string, perm: readonly number[]): string =>
    graph.op('Transpose', [x], { perm })
  const slice = (x: string, axis: number, start: number, end: number): string =>
    graph.op('Slice', [x, ...[start, end, axis].map((value) => graph.integers([value]))])
  const sum = (x: string, axis: number, keepAxis: boolean): string =>
    graph.op('ReduceSum', [x, graph.integers([axis])], { keepdims: keepAxis ? 1 : 0 })
  const rowMean = (x: string): string =>
    graph.op('ReduceMean', [x, graph.integers([-1])], { keepdims: 1 })

  function linear(x: string, name: string): LinearStep {
    const weight = `${name}.weight`
    return {
      value: graph.op('Gemm', [x, weight, `${name}.bias`], { transB: 1 }),
      backward(dy, plus) {
        gradients.set(weight, graph.op('Gemm', [dy, x], { transA: 1 })) // (O, I)
        gradients.set(`${name}.bias`, sum(dy, 0, false))
        return graph.op('Gemm', plus === undefined ? [dy, weight] : [dy, weight, plus]) // (M, I)
      },
    }
  }

  function layerNorm(x: string, name: string, eps: number): Step {
    const weight = `${name}.weight`
    const [value = '', mean = '', inverse = ''] = graph.ops(
      'LayerNormalization',
      [x, weight, `${name}.bias`],
      3,
      { axis: -1, epsilon: { float: eps } },
    ) // (M, C), (M, 1), (M, 1)
    return {
      value,
      backward(dy) {
        const normed = mul(sub(x, mean), inverse)
        gradients.set(weight, sum(mul(dy, normed), 0, false))
        gradients.set(`${name}.bias`, sum(dy, 0, false))
        const d = mul(dy, weight)
        // Minus its mean and its part along the normalized row, both of which the norm removes.
        const centred = sub(d, rowMean(d))
        return mul(inverse, sub(centred, mul(normed, rowMean(mul(d, normed)))))
      },
    }
  }

  function gelu(x: string): Step {
    const erf = graph.op('Erf', [mul(x, graph.scalar(Math.SQRT1_2))])
    const cdf = mul(add(erf, graph.scalar(1)), graph.scalar(0.5)) // Φ(x)
    return {
      value: mul(x, cdf),
      backward(dy) {
        const exponential = graph.op('Exp', [mul(mul(x, x), graph.scalar(-0.5))])
        const density = mul(exponential, graph.scalar(1 / Math.sqrt(2 * Math.PI))) // φ(x)
        return mul(dy, add(cdf, mul(x, density)))
      },
    }
  }

  function crossEntropy(logits: string, targets: string, weight: number): Loss {
    const probabilities = graph.op('Softmax', [logits], { axis: -1 })
    const perClass = mul(graph.op('Log', [probabilities]), targets)
    const total = graph.op('ReduceSum', [perClass, graph.integers([0, 1])], { keepdims: 0 })
    return {
      value: mul(total, graph.scalar(-weight)),
      gradient: mul(sub(probabilities, targets), graph.scalar(weight)),
    }
  }

  const arithmetic = { add, sub, mul, reshape, transpose, slice, sum }
  return { graph, gradients, ...arithmetic, linear, layerNorm, gelu, crossEntropy }
}
