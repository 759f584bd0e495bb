import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { joinCheckpoint, type ModelSpec, type Preprocessing } from '@layerswarm/model'
import { prettyJson, replaceFile } from './files.ts'
import { MADE_DOCUMENTS_BYTES } from './limits.ts'
import type { PartFiles } from './model-file.ts'
import { openOutputFolder } from './output-folder.ts'
import { layoutOf } from './parameters.ts'

/** A model that was made from others, by a merge or an import. */
export interface MadeModel {
  readonly name: string
  readonly spec: ModelSpec
  readonly parts: PartFiles
  readonly preprocessing: Preprocessing
  /** One per class; none of a backbone. */
  readonly labels: readonly string[]
  /** It has no classifier, only what stands in for one. */
  readonly isBackbone: boolean
  readonly seed: number
  /** Training images that went into it, as far as that is known. */
  readonly imagesSeen: number
  /** How to make it again, as flat data. */
  readonly recipe: Readonly<Record<string, unknown>>
}

/**
 * Writes model.safetensors, recipe.json and report.json, as a training does; the report comes last.
 * @throws TrainerError `cannot-write`.
 * @returns SHA-256 of model.safetensors, hexadecimal.
 */
export async function writeMadeModel(outDir: string, made: MadeModel): Promise<string> {
  const { name, spec, parts, preprocessing, labels, isBackbone, seed, imagesSeen, recipe } = made
  const model = joinCheckpoint(spec, parts)
  const modelHash = createHash('sha256').update(model).digest('hex')
  const { size: _size, channels: _channels, ...pixels } = preprocessing
  const report = {
    name,
    spec,
    parameters: layoutOf(spec).elements,
    preprocessing: pixels,
    dataset: { labels },
    ...(isBackbone ? { backbone: true } : {}),
    seed,
    imagesSeen,
    modelHash,
  }
  await openOutputFolder(outDir, model.length + MADE_DOCUMENTS_BYTES)
  await replaceFile(join(outDir, 'model.safetensors'), model)
  await replaceFile(join(outDir, 'recipe.json'), prettyJson(recipe))
  await replaceFile(join(outDir, 'report.json'), prettyJson(report))
  return modelHash
}
