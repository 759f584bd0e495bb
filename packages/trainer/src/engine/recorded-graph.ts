import type { Attributes } from '@layerswarm/model'
import type { GraphWriter } from '../differentiable.ts'

/** One operation of a recorded graph. */
export interface RecordedNode {
  readonly type: string
  /** Float32 operands, by the names of their values. */
  readonly operands: readonly string[]
  /** What ONNX passes as constant int64 operands behind them: shapes, axes, places. */
  readonly integers: readonly (readonly number[])[]
  readonly attributes: Attributes
  readonly outputs: readonly string[]
  /** Values that nothing behind this node needs. */
  readonly done: readonly string[]
}

/** A constant of a recorded graph, row-major. */
export interface RecordedConstant {
  readonly values: Float32Array
  readonly shape: readonly number[]
}

/** A graph as a list of operations in the order in which they can run. */
export interface RecordedGraph {
  readonly inputs: ReadonlySet<string>
  readonly constants: ReadonlyMap<string, RecordedConstant>
  readonly nodes: readonly RecordedNode[]
  /** Values by the names of the outputs. */
  readonly outputs: ReadonlyMap<string, string>
}

/** Records what `write` writes. */
export function recordGraph(write: (graph: GraphWriter) => void): RecordedGraph {
  const inputs = new Set<string>()
  const constants = new Map<string, RecordedConstant>()
  const integers = new Map<string, readonly number[]>()
  const outputs = new Map<string, string>()
  const nodes: Omit<RecordedNode, 'done'>[] = []
  let values = 0

  function constant(data: Float32Array | BigInt64Array, shape: readonly number[]): string {
    const name = `constant.${values++}`
    if (data instanceof Float32Array) constants.set(name, { values: data, shape })
    else integers.set(name, Array.from(data, Number))
    return name
  }

  function ops(
    type: string,
    from: readonly string[],
    count: number,
    attributes: Attributes = {},
  ): readonly string[] {
    const made = Array.from({ length: count }, () => `${type}.${values++}`)
    nodes.push({
      type,
      operands: from.filter((name) => !integers.has(name)),
      integers: from.flatMap((name) => {
        const list = integers.get(name)
        return list === undefined ? [] : [list]
      }),
      attributes,
      outputs: made,
    })
    return made
  }

  write({
    ops,
    op: (type, from, attributes) => ops(type, from, 1, attributes)[0] as string,
    constant,
    input(name) {
      inputs.add(name)
      return name
    },
    output: (name, value) => outputs.set(name, value),
    scalar: (value) => constant(Float32Array.of(value), []),
    integers: (list) => constant(BigInt64Array.from(list, BigInt), [list.length]),
  })
  return { inputs, constants, nodes: withEnds(nodes, new Set(outputs.values())), outputs }
}

/** Finds the last reader of every value but the kept ones, or its writer if nobody reads it. */
function withEnds(
  nodes: readonly Omit<RecordedNode, 'done'>[],
  kept: ReadonlySet<string>,
): RecordedNode[] {
  const last = new Map<string, number>()
  nodes.forEach(({ operands, outputs }, at) => {
    for (const name of [...operands, ...outputs]) last.set(name, at)
  })
  const done = nodes.map((): string[] => [])
  for (const [name, at] of last) if (!kept.has(name)) done[at]?.push(name)
  return nodes.map((node, at) => ({ ...node, done: done[at] ?? [] }))
}
