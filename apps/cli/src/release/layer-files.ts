import {
  LAYER_DTYPES,
  LAYER_FILES_APART_MAX,
  type LayerDtype,
  type LayerFiles,
  sha256,
} from '@layerswarm/model'
import { evaluateLayerFiles } from '@layerswarm/trainer'
import { CliError, usageError } from '../cli-error.ts'
import { APART_STEPS } from '../limits.ts'
import { machineOptions, readTestImages, sourcesOf } from './evaluate-folders.ts'
import { withLayersAs } from './layers-as.ts'
import type { MeasureChoice } from './measured.ts'
import { readModelFolder } from './release-folder.ts'

/** Smaller files of the layers, as a manifest names them, and their bytes by hash. */
export interface SmallFiles {
  readonly layerFiles: readonly LayerFiles[]
  readonly bytes: ReadonlyMap<string, Uint8Array>
}

/** @throws CliError `bad-usage` for files that would be larger than the parts, which are stored as `dtype`. */
export function checkKinds(wanted: readonly LayerDtype[], dtype: LayerDtype): void {
  const larger = wanted.find((kind) => LAYER_DTYPES.indexOf(kind) < LAYER_DTYPES.indexOf(dtype))
  if (larger === undefined) return
  throw usageError(`--layer-files names ${larger}, and the parts are stored as ${dtype} (--dtype)`)
}

/**
 * Makes smaller files of the layers of a training and measures them, beside its parts as they will be published.
 * @param dtype how the parts are stored. @returns undefined where none smaller than that are named.
 * @throws CliError `refused` for those that audits could not tell from a lie.
 */
export async function smallFilesOf(
  folder: string,
  wanted: readonly LayerDtype[],
  dtype: LayerDtype,
  choice: Pick<MeasureChoice, 'data' | 'signal' | 'log' | 'progress'>,
): Promise<SmallFiles | undefined> {
  const kinds = wanted.filter((kind) => kind !== dtype)
  if (kinds.length === 0) return undefined
  const model = await readModelFolder(folder)
  const { name, spec } = model
  const files = new Map(kinds.map((kind) => [kind, withLayersAs(spec, model.parts, kind)]))
  const own = { ...model, parts: withLayersAs(spec, model.parts, dtype), layerFiles: files }
  const testOf = await readTestImages([model], sourcesOf(choice))
  const { signal } = choice
  const figures = await evaluateLayerFiles(own, testOf(model), {
    signal,
    ...machineOptions(choice.progress),
  })
  const bytes = new Map<string, Uint8Array>()
  const layerFiles = kinds.map((kind): LayerFiles => {
    const { mean: accuracy = 0, apart: measured = 0 } = figures?.kinds[kind] ?? {}
    const apart = Math.ceil(measured * APART_STEPS) / APART_STEPS
    if (apart > LAYER_FILES_APART_MAX) {
      throw new CliError(
        { code: 'refused', what: name },
        `layers of ${name} in ${kind} are ${apart} away from their weights, and audits could not tell more than ${LAYER_FILES_APART_MAX} from a lie; publish it without --layer-files ${kind}`,
      )
    }
    const layers = Array.from({ length: spec.layers }, (_, layer) => {
      const file = files.get(kind)?.get(layer) ?? new Uint8Array()
      const hash = sha256(file)
      bytes.set(hash, file)
      return { sha256: hash, bytes: file.length }
    })
    return { dtype: kind, accuracy, own: figures?.own.mean ?? 0, apart, files: layers }
  })
  return { layerFiles, bytes }
}
