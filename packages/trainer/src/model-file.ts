import {
  checkpointName,
  type ModelSpec,
  type Part,
  partValues,
  splitCheckpoint,
  writeSafetensors,
} from '@layerswarm/model'
import { HOP_EMBEDDING, layoutOf, type ParameterLayout } from './parameters.ts'

/** The safetensors file of every part of a model. */
export type PartFiles = ReadonlyMap<Part, Uint8Array>

/** Flat weights as a whole-model file under the names of Hugging Face's ViT, float32. */
export function modelFile({ parts }: ParameterLayout, weights: Float32Array): Uint8Array {
  const named = parts.flatMap(({ part, tensors }) =>
    tensors.map(({ name, shape, offset, elements }) => {
      const { buffer, byteOffset, byteLength } = weights.subarray(offset, offset + elements)
      const data = new Uint8Array(buffer, byteOffset, byteLength)
      return [checkpointName(part, name), { dtype: 'F32' as const, shape, data }] as const
    }),
  )
  return writeSafetensors(Object.fromEntries(named), { format: 'pt' })
}

/**
 * The flat weights of a whole-model file, as `layoutOf(spec)` says; F16 files are widened.
 * @throws ModelError when the file is damaged or does not fit the spec.
 */
export function readModelFile(spec: ModelSpec, file: Uint8Array): Float32Array {
  const layout = layoutOf(spec)
  const files = splitCheckpoint(file, spec)
  const weights = new Float32Array(layout.elements)
  const shared = partValues(spec, 0, files.get(0) ?? new Uint8Array())
  for (const { part, tensors } of layout.parts) {
    const values = partValues(spec, part, files.get(part) ?? new Uint8Array())
    for (const { name, offset } of tensors) {
      weights.set((name === HOP_EMBEDDING ? shared : values)[name] ?? [], offset)
    }
  }
  return weights
}
