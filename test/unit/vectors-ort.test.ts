import { type Engine, forward, relativeL2 } from '@layerswarm/model'
import { createNodeEngine } from '@layerswarm/peer/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadVectors, VECTOR_NAMES, type Vectors } from './vectors.ts'

// The bound for every engine; float32 against PyTorch's float64 stays near 1e-6.
const RELATIVE_L2_MAX = 1e-3

const cases = (['ort-node', 'ort-wasm'] as const).flatMap((engine) =>
  VECTOR_NAMES.map((vectors) => ({ engine, vectors })),
)

describe.each(cases)('$engine on $vectors', { timeout: 30_000 }, (names) => {
  let vectors: Vectors
  let engine: Engine

  beforeAll(async () => {
    vectors = await loadVectors(names.vectors)
    engine = await createNodeEngine(names.engine, vectors.spec)
    for (const [part, file] of vectors.parts) await engine.load(part, file)
  })
  afterAll(() => engine.close())

  test('reproduces the logits of PyTorch in every order', async () => {
    expect(vectors.cases.length).toBeGreaterThanOrEqual(5)
    for (const { order, logits } of vectors.cases) {
      const ours = await forward(engine, vectors.spec, vectors.images, order)
      expect(relativeL2(ours.data, logits.flat()), `order ${order}`).toBeLessThan(RELATIVE_L2_MAX)
    }
  })

  test('gives one image alone the very bits that it has in a batch', async () => {
    const { shape, data } = vectors.images
    const [batch = 0, ...one] = shape
    const [order = []] = vectors.cases.map((known) => known.order)
    const together = await forward(engine, vectors.spec, vectors.images, order)
    const values = data.length / batch
    const alone = await forward(
      engine,
      vectors.spec,
      { shape: [1, ...one], data: data.subarray(values, 2 * values) },
      order,
    )
    const { classes } = vectors.spec
    expect(alone.data).toEqual(together.data.subarray(classes, 2 * classes))
  })
})
