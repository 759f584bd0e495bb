import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { createGraph, type GraphBuilder } from './graph.ts'

async function outputsOf(
  graph: GraphBuilder,
  feeds: Record<string, Tensor>,
): Promise<Record<string, number[]>> {
  const session = await InferenceSession.create(graph.serialize(), { intraOpNumThreads: 1 })
  const outputs = await session.run(feeds)
  await session.release()
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [name, Array.from(data, Number)]),
  )
}

const x = new Tensor('float32', Float32Array.of(1, -2, 3), [3])

describe('a graph', () => {
  test('runs with inline constants and every kind of attribute', async () => {
    const graph = createGraph('test')
    const input = graph.input('x', ['N'])
    const leaky = graph.op('LeakyRelu', [input], { alpha: { float: 0.25 } })
    const gelu = graph.op('Gelu', [graph.constant(Float32Array.of(0, 0), [2])], {
      approximate: 'none',
    })
    const sum = graph.op('ReduceSum', [leaky, graph.integers([-1])], { keepdims: 0 })
    const column = graph.op('Reshape', [leaky, graph.integers([1, -1])])
    const turned = graph.op('Transpose', [column], { perm: [1, 0] })
    graph.output('leaky', leaky, ['N'])
    graph.output('sum', sum, [])
    graph.output('gelu', gelu, [2])
    graph.output('turned', graph.op('Shape', [turned]), [2], 'int64')
    expect(await outputsOf(graph, { x })).toEqual({
      leaky: [1, -0.5, 3],
      sum: [3.5],
      gelu: [0, 0],
      turned: [3, 1],
    })
  })

  test('gives one value, or an input, under several output names', async () => {
    const graph = createGraph('test')
    const input = graph.input('x', [3])
    const negative = graph.op('Neg', [input])
    graph.output('a', negative, [3])
    graph.output('b', negative, [3])
    graph.output('c', input, [3])
    graph.output('d', graph.op('Neg', [negative]), [3])
    expect(await outputsOf(graph, { x })).toEqual({
      a: [-1, 2, -3],
      b: [-1, 2, -3],
      c: [1, -2, 3],
      d: [1, -2, 3],
    })
  })

  test('runs nodes with several outputs', async () => {
    const graph = createGraph('test')
    const parts = graph.ops('Split', [graph.input('x', [3]), graph.integers([1, 2])], 2, {
      axis: 0,
    })
    parts.forEach((part, index) => {
      graph.output(`part${index}`, part, [index + 1])
    })
    expect(await outputsOf(graph, { x })).toEqual({ part0: [1], part1: [-2, 3] })
  })

  test('stores equal small constants once', () => {
    const graph = createGraph('test')
    expect(graph.scalar(0.5)).toBe(graph.scalar(0.5))
    expect(graph.scalar(0.5)).not.toBe(graph.scalar(0.25))
    expect(graph.integers([1])).not.toBe(graph.constant(BigInt64Array.of(1n), []))
  })

  test('refuses to grow without bound', () => {
    const graph = createGraph('test')
    const large = new Float32Array(6 * 1024 * 1024)
    for (let i = 0; i < 3; i++) graph.constant(large, [large.length])
    expect(() => graph.serialize()).toThrow(/67108864 bytes/)
  })
})
