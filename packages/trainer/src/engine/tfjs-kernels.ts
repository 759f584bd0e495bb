import type { Attributes } from '@layerswarm/model'
import * as tf from '@tensorflow/tfjs-core'
import type { RecordedNode } from './recorded-graph.ts'

/** Computes the outputs of one node; what it allocates besides is freed by the caller's `tidy`. */
type Kernel = (
  operands: readonly tf.Tensor[],
  integers: readonly (readonly number[])[],
  attributes: Attributes,
) => tf.Tensor | tf.Tensor[]

/** Standard operators of ONNX, as far as the train graphs use them, in the operations of tfjs. */
const KERNELS: Readonly<Record<string, Kernel>> = {
  Add: ([a, b]) => tf.add(given(a), given(b)),
  Sub: ([a, b]) => tf.sub(given(a), given(b)),
  Mul: ([a, b]) => tf.mul(given(a), given(b)),
  Exp: ([x]) => tf.exp(given(x)),
  Log: ([x]) => tf.log(given(x)),
  Erf: ([x]) => tf.erf(given(x)),
  Identity: ([x]) => tf.clone(given(x)),
  MatMul: ([a, b]) => tf.matMul(given(a), given(b)),
  Gemm([a, b, c], _, { transA = 0, transB = 0 }) {
    const product = tf.matMul(given(a), given(b), transA === 1, transB === 1)
    return c === undefined ? product : tf.add(product, c)
  },
  Softmax: ([x]) => tf.softmax(given(x)),
  ReduceSum: ([x], [axes], { keepdims }) => tf.sum(given(x), [...given(axes)], keepdims === 1),
  ReduceMean: ([x], [axes], { keepdims }) => tf.mean(given(x), [...given(axes)], keepdims === 1),
  Reshape: ([x], [shape]) => tf.reshape(given(x), [...given(shape)]),
  Transpose: ([x], _, { perm }) => tf.transpose(given(x), Array.isArray(perm) ? perm : undefined),
  Concat: (parts, _, { axis }) => tf.concat([...parts], Number(axis)),
  Expand: ([x], [shape]) => tf.broadcastTo(given(x), [...given(shape)]),
  Slice([x], [starts, ends, axes]) {
    const { shape } = given(x)
    const [axis = 0] = given(axes)
    const [start = 0] = given(starts)
    const [end = 0] = given(ends)
    const begin = shape.map((_, at) => (at === axis ? start : 0))
    const size = shape.map((whole, at) => (at === axis ? end - start : whole))
    return tf.slice(given(x), begin, size)
  },
  Pad([x], [pads]) {
    const { shape } = given(x)
    const list = given(pads)
    return tf.pad(
      given(x),
      shape.map((_, at) => [list[at] as number, list[shape.length + at] as number]),
    )
  },
  LayerNormalization([x, weight, bias], _, { epsilon }) {
    const eps = typeof epsilon === 'object' && 'float' in epsilon ? epsilon.float : 0
    const mean = tf.mean(given(x), -1, true) // (M, 1)
    const centred = tf.sub(given(x), mean)
    const variance = tf.mean(tf.square(centred), -1, true)
    const inverse = tf.rsqrt(tf.add(variance, eps)) // (M, 1)
    const normed = tf.mul(centred, inverse)
    return [tf.add(tf.mul(normed, given(weight)), given(bias)), mean, inverse]
  },
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('an operator of the graph lacks an operand')
  return value
}

/**
 * The outputs of a node; everything else that it took is freed.
 * @throws TypeError for an operator that no training graph uses, or one that lacks an operand.
 */
export function computeNode(node: RecordedNode, operands: readonly tf.Tensor[]): tf.Tensor[] {
  const kernel = KERNELS[node.type]
  if (kernel === undefined) throw new TypeError(`there is no kernel for the operator ${node.type}`)
  return tf.tidy(() => [kernel(operands, node.integers, node.attributes)].flat())
}
