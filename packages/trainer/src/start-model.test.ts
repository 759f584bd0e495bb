import { joinCheckpoint, type ModelSpec, parseModelSpec, randomModel } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { readModelFile } from './model-file.ts'
import { initialParameters, layoutOf } from './parameters.ts'
import { createRandom } from './random.ts'
import { checkStart, fineTunedSpec, startParameters } from './start-model.ts'

const specOf = (changes: Partial<ModelSpec> = {}): ModelSpec =>
  parseModelSpec({
    ...{ variant: 'shuffle', layers: 2, imageSize: 8, patchSize: 4, channels: 1, width: 8 },
    ...{ heads: 2, mlpWidth: 16, classes: 3, layerNormEps: 1e-6, ...changes },
  })
const modelOf = (spec: ModelSpec) => ({ spec, parts: randomModel(spec, 1), isBackbone: false })
const weightsOf = (spec: ModelSpec): Float32Array =>
  readModelFile(spec, joinCheckpoint(spec, randomModel(spec, 1)))
const random = () => createRandom(1, 'weights')

describe('a training that begins with a model', () => {
  test.each(['shuffle', 'position', 'predict'] as const)('has its weights: %s', (variant) => {
    const spec = specOf({ variant })
    expect(startParameters(layoutOf(spec), modelOf(spec), random())).toEqual(weightsOf(spec))
  })

  test('has fresh weights where the model has none: another variant, other classes', () => {
    const plain = specOf()
    const spec = specOf({ variant: 'position', classes: 5 })
    const layout = layoutOf(spec)
    const started = startParameters(layout, modelOf(plain), random())
    const fresh = initialParameters(layout, random())
    const known = weightsOf(plain)
    const isFresh = (name: string): boolean =>
      /embedding\.weight|projection\.net|classifier/.test(name)
    for (const { part, tensors } of layout.parts) {
      const own = layoutOf(plain).parts.find((one) => one.part === part)?.tensors ?? []
      for (const { name, offset, elements } of tensors) {
        const there = own.find((one) => one.name === name)?.offset ?? 0
        const expected = isFresh(name)
          ? fresh.subarray(offset, offset + elements)
          : known.subarray(there, there + elements)
        expect(started.subarray(offset, offset + elements), `${part}.${name}`).toEqual(expected)
      }
    }
  })

  test('has a fresh classifier where it begins with a backbone, also for as many classes', () => {
    const spec = specOf()
    const layout = layoutOf(spec)
    const start = { ...modelOf(spec), isBackbone: true }
    const started = startParameters(layout, start, random())
    const fresh = initialParameters(layout, random())
    const known = weightsOf(spec)
    for (const { part, tensors } of layout.parts) {
      for (const { name, offset, elements } of tensors) {
        const expected = name.startsWith('classifier.') ? fresh : known
        expect(started.subarray(offset, offset + elements), `${part}.${name}`).toEqual(
          expected.subarray(offset, offset + elements),
        )
      }
    }
  })

  test('keeps the epsilon of the model, and no other size of it', () => {
    const imported = modelOf(specOf({ variant: 'sequential', layerNormEps: 1e-12 }))
    expect(fineTunedSpec(specOf(), imported)).toEqual(specOf({ layerNormEps: 1e-12 }))
    expect(fineTunedSpec(specOf(), undefined)).toEqual(specOf())
  })

  test('is refused for another size, which is named with where either stands', () => {
    const start = modelOf(specOf())
    checkStart(specOf(), specOf(), start)
    checkStart({ ...specOf(), patchSize: 3 }, specOf(), undefined)
    const recipes = [
      [
        { layers: 3 },
        /"layers" is 3 in the recipe, but 2 in the model to begin with; write 2 into/,
      ],
      // Which no model of this data set could have.
      [{ patchSize: 3 }, /"patchSize" is 3 in the recipe, but 4 in the model to begin with/],
    ] as const
    for (const [sizes, line] of recipes)
      expect(() => checkStart({ ...specOf(), ...sizes }, specOf(), start)).toThrow(line)
    const data = [
      [{ imageSize: 28 }, /"imageSize" is 28 with this data set, but 8 in the model .* --size 8/],
      [{ channels: 3 }, /"channels" is 3 with this data set, but 1 in the model to begin with/],
    ] as const
    for (const [sizes, line] of data)
      expect(() => checkStart(specOf(), { ...specOf(), ...sizes }, start)).toThrow(line)
  })
})
