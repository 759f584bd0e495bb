import { type PartDtype, writePart } from './part-file.ts'
import { mulberry32 } from './seeded-random.ts'
import { type ModelSpec, type Part, partsOf, shapesOf } from './spec.ts'
import { elementsOf, type Tensor } from './tensor.ts'

/** A tensor of values spread evenly over −1.7 … 1.7, so that their variance is about 1. */
export function randomTensor(shape: readonly number[], seed: number): Tensor {
  const random = mulberry32(seed)
  const data = new Float32Array(elementsOf(shape))
  for (let i = 0; i < data.length; i++) data[i] = (random() * 2 - 1) * Math.sqrt(3)
  return { shape, data }
}

/**
 * The files of a model with random weights, large enough that every tensor shows in the logits:
 * for tests and demonstrations, it knows nothing.
 */
export function randomModel(
  spec: ModelSpec,
  seed: number,
  dtype: PartDtype = 'F32',
): Map<Part, Uint8Array> {
  return new Map(partsOf(spec).map((part) => [part, randomPart(spec, part, seed, dtype)]))
}

/** The file of one part of such a model. */
export function randomPart(
  spec: ModelSpec,
  part: Part,
  seed: number,
  dtype: PartDtype = 'F32',
): Uint8Array {
  const index = partsOf(spec).indexOf(part)
  const tensors = Object.entries(shapesOf(spec, part)).map(([name, shape], at) => {
    // The layers share one hop embedding; every other tensor has a sequence of its own.
    const own = name === 'embedding.weight' ? 0 : index * 1_009 + at
    const { data } = randomTensor(shape, seed * 1_000_003 + own)
    return [name, data.map((value) => weightValue(name, shape, value))] as const
  })
  return writePart(spec, part, Object.fromEntries(tensors), { dtype })
}

/** Scales a value of variance 1 to what its tensor needs to keep activations of variance about 1. */
function weightValue(name: string, shape: readonly number[], value: number): number {
  if (name.startsWith('embedding')) return value
  if (name.endsWith('.bias')) return value * 0.1
  if (shape.length === 1) return 1 + value * 0.1 // the scale of a layer norm
  return value / Math.sqrt(elementsOf(shape.slice(1)))
}
