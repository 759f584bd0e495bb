import {
  elementsOf,
  layerShapes,
  type ModelSpec,
  type Part,
  partsOf,
  shapesOf,
  type TensorShapes,
} from '@layerswarm/model'
import type { RandomStream } from './random.ts'

/** One parameter tensor inside the flat vector that holds all of them. */
export interface ParameterTensor {
  /** Name below its part, as in `shapesOf`. */
  readonly name: string
  readonly shape: readonly number[]
  /** Elements from the start of the flat vector. */
  readonly offset: number
  readonly elements: number
  /** Weight decay applies to matrices and kernels, not to biases, norms and embeddings. */
  readonly decays: boolean
}

/** The hop embedding of the `position` variant. */
export const HOP_EMBEDDING = 'embedding.weight'

/**
 * Where all parameters of a model lie in one flat float32 vector. The hop embedding of a `position`
 * model is shared by its layers, so it stands once, with the stem.
 */
export interface ParameterLayout {
  readonly elements: number
  readonly parts: readonly { readonly part: Part; readonly tensors: readonly ParameterTensor[] }[]
}

/**
 * The layout of a model's parameters: stem, head and layers in the order of `partsOf`, each tensor
 * behind the one before.
 */
export function layoutOf(spec: ModelSpec): ParameterLayout {
  let elements = 0
  const parts = partsOf(spec).map((part) => {
    const tensors = Object.entries(trainedShapes(spec, part)).map(([name, shape]) => {
      const size = elementsOf(shape)
      const decays = name.endsWith('.weight') && shape.length > 1 && name !== HOP_EMBEDDING
      const tensor = { name, shape, offset: elements, elements: size, decays }
      elements += size
      return tensor
    })
    return { part, tensors }
  })
  return { elements, parts }
}

function trainedShapes(spec: ModelSpec, part: Part): TensorShapes {
  const { [HOP_EMBEDDING]: embedding } = layerShapes(spec)
  const { [HOP_EMBEDDING]: _, ...own } = shapesOf(spec, part)
  return part === 'stem' && embedding !== undefined ? { ...own, [HOP_EMBEDDING]: embedding } : own
}

/** Standard deviation of the class token and the position embeddings at the start, as in ViT. */
const EMBEDDING_STD = 0.02

/**
 * Fresh parameters: norms are the identity, biases and the hop embedding zero, matrices
 * Glorot-normal, other embeddings normal with deviation 0.02.
 */
export function initialParameters(layout: ParameterLayout, random: RandomStream): Float32Array {
  const values = new Float32Array(layout.elements)
  for (const { tensors } of layout.parts) {
    for (const tensor of tensors) {
      fillInitially(values.subarray(tensor.offset, tensor.offset + tensor.elements), tensor, random)
    }
  }
  return values
}

/** `target` holds zeros. */
function fillInitially(
  target: Float32Array,
  { name, shape, elements }: ParameterTensor,
  random: RandomStream,
): void {
  if (name.endsWith('.bias') || name === HOP_EMBEDDING) return
  const isWeight = name.endsWith('.weight')
  if (isWeight && shape.length === 1) {
    target.fill(1) // a norm
    return
  }
  const [out = 1] = shape
  const std = isWeight ? Math.sqrt(2 / (out + elements / out)) : EMBEDDING_STD
  for (let i = 0; i < elements; i++) target[i] = random.gaussian() * std
}
