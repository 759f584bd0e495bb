import { elementsOf, type ModelSpec, type Part, partsOf, shapesOf } from '@layerswarm/model'
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

/** Where all parameters of a model lie in one flat float32 vector. */
export interface ParameterLayout {
  readonly elements: number
  readonly parts: readonly { readonly part: Part; readonly tensors: readonly ParameterTensor[] }[]
}

export function layoutOf(spec: ModelSpec): ParameterLayout {
  let elements = 0
  const parts = partsOf(spec).map((part) => {
    const tensors = Object.entries(shapesOf(spec, part)).map(([name, shape]) => {
      const size = elementsOf(shape)
      const decays = name.endsWith('.weight') && shape.length > 1
      const tensor = { name, shape, offset: elements, elements: size, decays }
      elements += size
      return tensor
    })
    return { part, tensors }
  })
  return { elements, parts }
}

/** Standard deviation of the class token and the position embeddings at the start, as in ViT. */
const EMBEDDING_STD = 0.02

/**
 * Fresh parameters: norms are the identity, biases zero, matrices Glorot-normal, embeddings
 * normal with deviation 0.02.
 */
export function initialParameters(layout: ParameterLayout, random: RandomStream): Float32Array {
  const values = new Float32Array(layout.elements)
  for (const { tensors } of layout.parts) {
    for (const { name, shape, offset, elements } of tensors) {
      const target = values.subarray(offset, offset + elements)
      if (name.endsWith('.bias')) continue
      if (name.includes('layernorm')) {
        target.fill(1)
        continue
      }
      const [out = 1] = shape
      const fanIn = elements / out
      const std = name.endsWith('.weight') ? Math.sqrt(2 / (out + fanIn)) : EMBEDDING_STD
      for (let i = 0; i < elements; i++) target[i] = random.gaussian() * std
    }
  }
  return values
}
