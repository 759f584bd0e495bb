import { type ModelSpec, parseModelSpec, partsOf, partValues, randomModel } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { drawMask, mergeParts, sameSpec } from './merge.ts'

const specOf = (variant: string): ModelSpec =>
  parseModelSpec({
    ...{ variant, layers: 4, imageSize: 8, patchSize: 4, channels: 1, width: 8, heads: 2 },
    ...{ mlpWidth: 16, classes: 3, layerNormEps: 1e-6 },
  })

describe('a merged model', () => {
  test.each(['shuffle', 'position'])('has the layers of its mask, %s', (variant) => {
    const spec = specOf(variant)
    const [a, b] = [randomModel(spec, 1), randomModel(spec, 2)]
    const merged = mergeParts(spec, a, b, [false, true, true, false])
    for (const part of partsOf(spec)) {
      const valuesIn = (files: typeof a) =>
        partValues(spec, part, files.get(part) ?? new Uint8Array())
      const { 'embedding.weight': embedding, ...own } = valuesIn(merged)
      const { 'embedding.weight': _, ...expected } = valuesIn(part === 1 || part === 2 ? b : a)
      expect(own, String(part)).toEqual(expected)
      // The hop embedding is one for all layers, that of the first model.
      expect(embedding).toEqual(valuesIn(a)['embedding.weight'])
    }
  })

  test('is refused for a mask of another length', () => {
    const spec = specOf('shuffle')
    const files = randomModel(spec, 1)
    expect(() => mergeParts(spec, files, files, [true])).toThrow(/1 entries, .* 4 layers/)
  })
})

test('a drawn mask takes half of the layers from the second model, by its seed', () => {
  const masks = Array.from({ length: 20 }, (_, seed) => drawMask(9, seed))
  for (const mask of masks) expect(mask.filter(Boolean)).toHaveLength(4)
  expect(new Set(masks.map(String)).size).toBeGreaterThan(10)
  expect(drawMask(9, 3)).toEqual(drawMask(9, 3))
})

test('models of another variant or size have another spec', () => {
  expect(sameSpec(specOf('shuffle'), specOf('shuffle'))).toBe(true)
  expect(sameSpec(specOf('shuffle'), specOf('sequential'))).toBe(false)
})
