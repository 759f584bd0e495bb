import { type ModelSpec, parseModelSpec } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { layoutOf } from '../parameters.ts'
import { writeTrainGraph } from '../train-graph.ts'
import { type RecordedGraph, recordGraph } from './recorded-graph.ts'

const spec: ModelSpec = parseModelSpec({
  variant: 'shuffle',
  imageSize: 8,
  patchSize: 4,
  channels: 1,
  width: 8,
  layers: 3,
  heads: 2,
  mlpWidth: 12,
  classes: 3,
  layerNormEps: 1e-6,
})

/** Runs through a graph. @returns values that were not where they are used, and what is left. */
function follow({ inputs, constants, nodes }: RecordedGraph): {
  faults: string[]
  kept: Set<string>
} {
  const alive = new Set([...inputs, ...constants.keys()])
  const seen = new Set(alive)
  const faults = nodes.flatMap(({ operands, outputs, done }) => {
    const missing = operands.filter((name) => !alive.has(name))
    const twice = outputs.filter((name) => seen.has(name))
    for (const name of outputs) {
      seen.add(name)
      alive.add(name)
    }
    return [...missing, ...twice, ...done.filter((name) => !alive.delete(name))]
  })
  return { faults, kept: new Set([...alive].filter((name) => !inputs.has(name))) }
}

describe.each(['shuffle', 'position', 'predict'] as const)(
  'the recorded graph of %s',
  (variant) => {
    const graph = recordGraph((writer) => writeTrainGraph(writer, { ...spec, variant }, 2))

    test('names each value once, before it is used, and lets it go after its last use', () => {
      const { faults, kept } = follow(graph)
      expect(faults).toEqual([])
      expect(kept).toEqual(new Set(graph.outputs.values()))
      expect(graph.nodes.length).toBeGreaterThan(200)
    })

    test('has the loss and the gradient of every parameter as outputs', () => {
      const { parts } = layoutOf({ ...spec, variant })
      const parameters = parts.flatMap(({ part, tensors }) =>
        tensors.map(({ name }) => `gradient.${part}.${name}`),
      )
      expect(new Set(graph.outputs.keys())).toEqual(new Set(['loss', ...parameters]))
    })
  },
)
