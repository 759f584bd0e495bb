import { describe, expect, test } from 'vitest'
import { ModelError } from './errors.ts'
import {
  checkPart,
  joinCheckpoint,
  partValues,
  recodePart,
  splitCheckpoint,
  writePart,
} from './part-file.ts'
import { randomModel } from './random-model.ts'
import { readSafetensors, type SafetensorsTensor, writeSafetensors } from './safetensors.ts'
import {
  type ModelSpec,
  parseModelSpec,
  partsOf,
  shapesOf,
  VARIANTS,
  type Variant,
} from './spec.ts'
import { readStoredTensors } from './stored-tensors.ts'
import { relativeL2 } from './tensor.ts'

const specOf = (variant: Variant): ModelSpec =>
  parseModelSpec({
    variant,
    imageSize: 8,
    patchSize: 4,
    channels: 1,
    width: 8,
    layers: 2,
    heads: 2,
    mlpWidth: 12,
    classes: 3,
    layerNormEps: 1e-6,
  })

/** A checkpoint whose tensors `edit` has changed. */
function edited(
  spec: ModelSpec,
  edit: (tensors: Record<string, SafetensorsTensor>) => void,
): Uint8Array {
  const checkpoint = joinCheckpoint(spec, randomModel(spec, 1))
  const entries = Object.entries(readSafetensors(checkpoint).tensors)
  const tensors = Object.fromEntries(
    entries.map(([name, { dtype, shape, offset, bytes }]) => [
      name,
      { dtype, shape, data: checkpoint.subarray(offset, offset + bytes) },
    ]),
  )
  edit(tensors)
  return writeSafetensors(tensors)
}

const zeros = (...shape: number[]): SafetensorsTensor => ({
  dtype: 'F32',
  shape,
  data: new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)),
})

describe('a checkpoint', () => {
  test.each(VARIANTS)('of variant %s is the same after splitting and joining', (variant) => {
    const spec = specOf(variant)
    const checkpoint = joinCheckpoint(spec, randomModel(spec, 1))
    const parts = splitCheckpoint(checkpoint, spec)
    expect([...parts.keys()]).toEqual(partsOf(spec))
    expect(parts).toEqual(randomModel(spec, 1))
    expect(joinCheckpoint(spec, parts)).toEqual(checkpoint)
  })

  test('of the position variant gives every layer the shared embedding', () => {
    const spec = specOf('position')
    const parts = splitCheckpoint(joinCheckpoint(spec, randomModel(spec, 1)), spec)
    const tables = [0, 1].map(
      (layer) => partValues(spec, layer, parts.get(layer) ?? new Uint8Array())['embedding.weight'],
    )
    expect(tables[0]?.length).toBe(2 * 32)
    expect(tables[0]).toEqual(tables[1])
  })

  test('split as F16 halves the values and rounds them by less than 2⁻¹¹', () => {
    const spec = specOf('shuffle')
    const checkpoint = joinCheckpoint(spec, randomModel(spec, 1))
    const whole = splitCheckpoint(checkpoint, spec).get(0) ?? new Uint8Array()
    const half = splitCheckpoint(checkpoint, spec, { dtype: 'F16' }).get(0) ?? new Uint8Array()
    const name = 'intermediate.dense.weight'
    expect(checkPart(spec, 0, half)[name]?.dtype).toBe('F16')
    const exact = partValues(spec, 0, whole)[name] ?? new Float32Array()
    const rounded = partValues(spec, 0, half)[name] ?? new Float32Array()
    for (const [i, value] of exact.entries()) {
      expect(Math.abs((rounded[i] ?? 0) - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -11)
    }
  })

  test('may bring the pooler that Hugging Face adds', () => {
    const spec = specOf('shuffle')
    const checkpoint = edited(spec, (tensors) => {
      tensors['vit.pooler.dense.bias'] = zeros(8)
    })
    expect(splitCheckpoint(checkpoint, spec).size).toBe(4)
  })
})

describe.each([
  ['I8', 0.01],
  ['I4', 0.12],
] as const)('a layer as %s', (dtype, apart) => {
  test.each(VARIANTS)('of variant %s has what its float32 file has, nearly', (variant) => {
    const spec = specOf(variant)
    const whole = randomModel(spec, 1).get(1) ?? new Uint8Array()
    const file = recodePart(spec, 1, whole, dtype)
    const exact = partValues(spec, 1, whole)
    const values = partValues(spec, 1, file)
    expect(Object.keys(values)).toEqual(Object.keys(exact))
    for (const [name, shape] of Object.entries(shapesOf(spec, 1))) {
      const isMatrix = shape.length === 2 && name !== 'embedding.weight'
      const stored = checkPart(spec, 1, file)[name]
      expect(stored?.dtype).toBe(isMatrix ? dtype : 'F16')
      const bound = isMatrix ? apart : 2 ** -11
      expect(relativeL2(values[name] ?? [], exact[name] ?? [])).toBeLessThan(bound)
    }
    expect(file.length).toBeLessThan(whole.length)
  })

  test('is written alike twice, and is read as float32 into a checkpoint', () => {
    const spec = specOf('shuffle')
    const parts = randomModel(spec, 1)
    const file = recodePart(spec, 0, parts.get(0) ?? new Uint8Array(), dtype)
    expect(recodePart(spec, 0, parts.get(0) ?? new Uint8Array(), dtype)).toEqual(file)
    const joined = joinCheckpoint(spec, new Map(parts).set(0, file))
    const again = splitCheckpoint(joined, spec).get(0) ?? new Uint8Array()
    expect(partValues(spec, 0, again)).toEqual(partValues(spec, 0, file))
  })

  test('is refused without its scales, with scales of another kind, or with too few values', () => {
    const spec = specOf('shuffle')
    const file = randomModel(spec, 1, dtype).get(0) ?? new Uint8Array()
    const name = 'output.dense.weight'
    const changed = (edit: (tensors: Record<string, SafetensorsTensor>) => void) => {
      const { tensors } = readStoredTensors(file)
      const copies = Object.entries(tensors).map(([key, { shape, offset, bytes, ...entry }]) => {
        const data = file.subarray(offset, offset + bytes)
        return [key, { dtype: entry.dtype as SafetensorsTensor['dtype'], shape, data }] as const
      })
      const edited: Record<string, SafetensorsTensor> = Object.fromEntries(copies)
      edit(edited)
      return () => checkPart(spec, 0, writeSafetensors(edited))
    }
    const without = changed((tensors) => delete tensors[`${name}.scale`])
    expect(without).toThrow(`tensor "${name}.scale" of layer 0 is missing`)
    const halves = changed((tensors) => {
      tensors[`${name}.scale`] = { dtype: 'F16', shape: [8], data: new Uint8Array(16) }
    })
    expect(halves).toThrow(`tensor "${name}.scale" must be F32`)
    const fewer = changed((tensors) => {
      const stored = dtype === 'I8' ? 'I8' : 'U8'
      tensors[name] = { dtype: stored, shape: [7], data: new Uint8Array(7) }
    })
    expect(fewer).toThrow(/has shape \[7\], the model needs/)
  })

  test('is no stem and no head', () => {
    const spec = specOf('shuffle')
    for (const part of ['stem', 'head'] as const) {
      const file = randomModel(spec, 1, dtype).get(part) ?? new Uint8Array()
      for (const { dtype: stored } of Object.values(checkPart(spec, part, file)))
        expect(stored).toBe('F16')
    }
  })
})

describe('a wrong checkpoint', () => {
  test('is refused by the name of its tensor', () => {
    const spec = specOf('shuffle')
    const name = 'vit.encoder.layer.1.output.dense.bias'
    const missing = edited(spec, (tensors) => {
      delete tensors[name]
    })
    expect(() => splitCheckpoint(missing, spec)).toThrow(
      new ModelError(
        { code: 'missing-tensor', tensor: name },
        `tensor "${name}" of the checkpoint is missing`,
      ),
    )
    const wide = edited(spec, (tensors) => {
      tensors[name] = zeros(9)
    })
    expect(() => splitCheckpoint(wide, spec)).toThrow(
      `tensor "${name}" of the checkpoint has shape [9], the model needs [8]`,
    )
    const third = edited(spec, (tensors) => {
      tensors['vit.encoder.layer.2.output.dense.bias'] = zeros(8)
    })
    expect(() => splitCheckpoint(third, spec)).toThrow('belongs to no model of this variant')
  })

  test('of values beyond float16 is refused as F16 only', () => {
    const spec = specOf('shuffle')
    const large = edited(spec, (tensors) => {
      const data = new Uint8Array(Float32Array.from({ length: 8 }, () => 1e6).buffer)
      tensors['vit.layernorm.bias'] = { dtype: 'F32', shape: [8], data }
    })
    expect(() => splitCheckpoint(large, spec, { dtype: 'F16' })).toThrow('keep it in float32')
    expect(splitCheckpoint(large, spec).size).toBe(4)
  })

  test('cannot be joined from layers that disagree on the shared embedding', () => {
    const spec = specOf('position')
    const parts = randomModel(spec, 1)
    parts.set(1, randomModel(spec, 2).get(1) ?? new Uint8Array())
    expect(() => joinCheckpoint(spec, parts)).toThrow('"embedding.weight" differs')
  })

  test('cannot be joined while a part is missing', () => {
    const spec = specOf('shuffle')
    const parts = randomModel(spec, 1)
    parts.delete(1)
    expect(() => joinCheckpoint(spec, parts)).toThrow('the file of layer 1 is missing')
  })
})

describe('a part file', () => {
  test('has exactly the tensors of its part', () => {
    const spec = specOf('predict')
    const files = randomModel(spec, 2)
    for (const [part, file] of files) {
      const names = Object.keys(checkPart(spec, part, file)).toSorted()
      expect(names).toEqual(Object.keys(shapesOf(spec, part)).toSorted())
    }
    const layer = files.get(0) ?? new Uint8Array()
    expect(() => checkPart(specOf('shuffle'), 0, layer)).toThrow(
      'tensor "position_mlp.net.0.bias" of layer 0 belongs to no model of this variant',
    )
    expect(() => checkPart(specOf('position'), 0, layer)).toThrow(
      'tensor "embedding.weight" of layer 0 is missing',
    )
    expect(() => checkPart(spec, 'head', layer)).toThrow('of the head is missing')
  })

  test('cannot be written while a tensor has no values', () => {
    expect(() => writePart(specOf('shuffle'), 'head', {})).toThrow(
      'tensor "layernorm.weight" of the values of the head is missing',
    )
  })
})
