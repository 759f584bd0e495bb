import {
  type LayerDtype,
  type ModelSpec,
  type Part,
  recodePart,
  STORED_AS,
} from '@layerswarm/model'

/** The files of all parts of a model. */
export type PartFiles = ReadonlyMap<Part, Uint8Array>

/** All parts with the layers in another kind. @param parts of float32, or of what is left of them. */
export function withLayersAs(spec: ModelSpec, parts: PartFiles, dtype: LayerDtype): PartFiles {
  return new Map(
    [...parts].map(([part, file]) => [
      part,
      typeof part === 'number' ? recodePart(spec, part, file, STORED_AS[dtype]) : file,
    ]),
  )
}
