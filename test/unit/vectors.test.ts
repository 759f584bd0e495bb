import {
  createReferenceEngine,
  forward,
  partValues,
  referenceHopLogits,
  relativeL2,
  type Tensor,
} from '@layerswarm/model'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadVectors, VECTOR_NAMES, type Vectors } from './vectors.ts'

// Float32 rounding between the parts is all that separates us from PyTorch's float64.
const RELATIVE_L2_MAX = 1e-6

describe.each(VECTOR_NAMES)('the reference on %s', (name) => {
  let vectors: Vectors
  let engine: ReturnType<typeof createReferenceEngine>

  beforeAll(async () => {
    vectors = await loadVectors(name)
    engine = createReferenceEngine(vectors.spec)
    for (const [part, file] of vectors.parts) await engine.load(part, file)
  })

  const file = (part: number) => vectors.parts.get(part) ?? new Uint8Array()

  test('reproduces the logits of PyTorch in every order, pruned and empty too', async () => {
    expect(vectors.cases.length).toBeGreaterThanOrEqual(5)
    for (const { order, logits } of vectors.cases) {
      const ours = await forward(engine, vectors.spec, vectors.images, order)
      expect(ours.shape).toEqual([vectors.images.shape[0], vectors.spec.classes])
      expect(relativeL2(ours.data, logits.flat()), `order ${order}`).toBeLessThan(RELATIVE_L2_MAX)
    }
  })

  test('tells the orders apart', async () => {
    const [first, second] = vectors.cases
    const ours = await forward(engine, vectors.spec, vectors.images, first?.order ?? [])
    expect(relativeL2(ours.data, second?.logits.flat() ?? [])).toBeGreaterThan(0.1)
  })

  test('reproduces the token of the first patch behind the stem', async () => {
    const { data, shape } = await engine.run('stem', vectors.images, 0)
    const [batch = 0, tokens = 0, width = 0] = shape
    expect(batch).toBe(vectors.embeddingFirstToken.length)
    for (const [image, expected] of vectors.embeddingFirstToken.entries()) {
      const at = (image * tokens + 1) * width
      expect(relativeL2(data.subarray(at, at + width), expected)).toBeLessThan(RELATIVE_L2_MAX)
    }
  })

  test('reproduces the class token behind the last layer, and the hop that each layer guesses', async () => {
    for (const { order, lastCls, positionLogits = [] } of vectors.cases) {
      let x: Tensor = await engine.run('stem', vectors.images, 0)
      for (const [hop, layer] of order.entries()) {
        x = await engine.run(layer, x, hop)
        const expected = positionLogits[hop]
        if (expected === undefined) continue
        const guess = referenceHopLogits(
          vectors.spec,
          partValues(vectors.spec, layer, file(layer)),
          x,
        )
        expect(relativeL2(guess, expected.flat())).toBeLessThan(RELATIVE_L2_MAX)
      }
      const [, tokens = 0, width = 0] = x.shape
      for (const [image, expected] of lastCls.entries()) {
        const cls = x.data.subarray(image * tokens * width, image * tokens * width + width)
        expect(relativeL2(cls, expected)).toBeLessThan(RELATIVE_L2_MAX)
      }
    }
  })

  test('reads every kind of expectation that the vectors hold', () => {
    const guesses = vectors.cases.flatMap(({ positionLogits }) => positionLogits ?? [])
    expect(guesses.length > 0).toBe(vectors.spec.variant === 'predict')
  })
})
