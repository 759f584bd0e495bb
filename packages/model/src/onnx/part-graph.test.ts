import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { checkPart } from '../part-file.ts'
import { randomModel, randomTensor } from '../random-model.ts'
import { createReferenceEngine } from '../reference.ts'
import { type ModelSpec, type Part, partsOf, VARIANTS, type Variant } from '../spec.ts'
import { relativeL2, type Tensor } from '../tensor.ts'
import { partGraph } from './part-graph.ts'

function specOf(variant: Variant): ModelSpec {
  const sizes = { imageSize: 12, patchSize: 4, channels: 3, width: 12, layers: 3, heads: 3 }
  return { variant, ...sizes, mlpWidth: 20, classes: 5, layerNormEps: 1e-6 }
}

/** Runs the graph of a part on its safetensors bytes, which the graph points into. */
async function runGraph(
  spec: ModelSpec,
  part: Part,
  file: Uint8Array,
  input: Tensor,
  hop: number,
): Promise<{ shape: readonly number[]; data: Float32Array }> {
  const graph = partGraph(spec, part, { file: 'weights', tensors: checkPart(spec, part, file) })
  const session = await InferenceSession.create(graph, {
    intraOpNumThreads: 1,
    // As a peer's engine does: activations stay float32 beside int8 weights.
    extra: { session: { qdq_matmulnbits_accuracy_level: '1' } },
    externalData: [{ path: 'weights', data: file }],
  })
  const feeds: Record<string, OrtTensor> = { x: new OrtTensor('float32', input.data, input.shape) }
  if (session.inputNames.includes('hop')) {
    feeds.hop = new OrtTensor('int64', BigInt64Array.of(BigInt(hop)), [1])
  }
  const { y } = await session.run(feeds)
  await session.release()
  if (!(y?.data instanceof Float32Array)) throw new Error('the graph has no float32 output "y"')
  return { shape: y.dims, data: y.data }
}

function inputOf(spec: ModelSpec, part: Part): Tensor {
  const { channels, imageSize: n, width } = spec
  return randomTensor(part === 'stem' ? [2, channels, n, n] : [2, 10, width], 5)
}

describe('the ONNX graph of a part', () => {
  for (const variant of VARIANTS) {
    for (const dtype of ['F32', 'F16', 'I8', 'I4'] as const) {
      test(`computes what the reference computes, ${variant} in ${dtype}`, async () => {
        const spec = specOf(variant)
        const engine = createReferenceEngine(spec)
        for (const [part, file] of randomModel(spec, 3, dtype)) {
          await engine.load(part, file)
          const input = inputOf(spec, part)
          const hop = typeof part === 'number' ? 2 - part : 0
          const expected = await engine.run(part, input, hop)
          const { shape, data } = await runGraph(spec, part, file, input, hop)
          expect(shape).toEqual(expected.shape)
          expect(relativeL2(data, expected.data)).toBeLessThan(1e-5)
        }
      })
    }
  }

  test('takes the hop index only where the variant uses it', async () => {
    const spec = specOf('position')
    const file = randomModel(spec, 3).get(1) ?? new Uint8Array()
    const input = inputOf(spec, 1)
    const [first, last] = await Promise.all(
      [0, 2].map((hop) => runGraph(spec, 1, file, input, hop)),
    )
    expect(relativeL2(first?.data ?? [], last?.data ?? [])).toBeGreaterThan(1e-3)
  })

  test('leaves the weights outside', () => {
    const spec = { ...specOf('shuffle'), width: 768, heads: 12, mlpWidth: 3072 }
    const file = randomModel({ ...spec, layers: 1 }, 1).get(0) ?? new Uint8Array()
    expect(file.length).toBeGreaterThan(20_000_000)
    const graph = partGraph(spec, 0, { file: 'weights', tensors: checkPart(spec, 0, file) })
    expect(graph.length).toBeLessThan(8_000)
  })

  test('needs every tensor in its shape', () => {
    const spec = specOf('shuffle')
    for (const part of partsOf(spec)) {
      const tensors = checkPart(spec, part, randomModel(spec, 1).get(part) ?? new Uint8Array())
      for (const [name, entry] of Object.entries(tensors)) {
        const { [name]: _, ...others } = tensors
        expect(() => partGraph(spec, part, { file: 'f', tensors: others })).toThrow(name)
        const wrong = { ...tensors, [name]: { ...entry, shape: [...entry.shape, 1] } }
        expect(() => partGraph(spec, part, { file: 'f', tensors: wrong })).toThrow(/has shape/)
      }
    }
  })
})
