import { join } from 'node:path'
import {
  checkSha256,
  type Manifest,
  type Part,
  partsOf,
  recodePart,
  type Sha256,
  sha256,
  splitCheckpoint,
} from '@layerswarm/model'
import { readBounded } from '../files.ts'
import { TRAINING_DOCUMENT_BYTES_MAX } from '../limits.ts'
import { readManifest, readPart } from './release-folder.ts'
import {
  datasetNameOf,
  readTrainingFolder,
  refuseBackbone,
  type TrainingFolder,
} from './training-folder.ts'

const STORED_AS = { float32: 'F32', float16: 'F16' } as const

/** How the parts of a release may be stored. */
export type StoredDtype = 'float32' | 'float16'

/** A model that can be signed: what a training left behind, or a release that gets another manifest. */
export interface PublishSource
  extends Pick<Manifest, 'name' | 'spec' | 'preprocessing' | 'labels' | 'training'> {
  /** Name of the data set that it learned; an import or a merge does not say. */
  readonly trainedOn: string | undefined
  /** Every part, as it is to be stored. */
  readonly parts: readonly {
    readonly part: Part
    readonly file: Uint8Array
    readonly dtype: StoredDtype
  }[]
  readonly recipeBytes: Uint8Array
  readonly reportBytes: Uint8Array
}

/** A training whose parts are stored as `dtype`. @throws ModelError when it is not what its report says. */
export function sourceOfTraining(
  training: TrainingFolder,
  dtype: StoredDtype,
  createdAt: Date,
): PublishSource {
  const { spec, checkpoint, seed, imagesSeen, recipeBytes, reportBytes } = training
  const cut = splitCheckpoint(checkpoint, spec, { dtype: STORED_AS[dtype] })
  return {
    ...training,
    training: {
      recipe: sha256(recipeBytes),
      seed,
      images: imagesSeen,
      createdAt: createdAt.toISOString(),
      report: sha256(reportBytes),
    },
    parts: partsOf(spec).map((part) => ({ part, file: cut.get(part) ?? new Uint8Array(), dtype })),
  }
}

/**
 * A finished training. @throws as `readTrainingFolder`; CliError `refused` for a backbone.
 */
export async function readTrainingSource(
  folder: string,
  dtype: StoredDtype,
): Promise<PublishSource> {
  const training = await readTrainingFolder(folder)
  refuseBackbone(folder, training.isBackbone)
  return sourceOfTraining(training, dtype, new Date())
}

/**
 * A release again, its parts as they are, or smaller where `dtype` is float16. What was measured of it is not taken
 * over: whoever signs says what he has measured.
 * @throws CliError `not-found` or `bad-file`; ModelError for a file that is not what was signed.
 */
export async function readReleaseSource(
  folder: string,
  dtype: StoredDtype,
): Promise<PublishSource> {
  const { name, spec, preprocessing, labels, training, parts } = await readManifest(folder)
  const document = async (file: string, signed: Sha256) => {
    const path = join(folder, file)
    const bytes = await readBounded(path, TRAINING_DOCUMENT_BYTES_MAX)
    checkSha256(bytes, signed, path)
    return bytes
  }
  const recipeBytes = await document('recipe.json', training.recipe)
  const reportBytes = await document('report.json', training.report)
  const stored = parts.map(async (entry) => {
    const own = await readPart(folder, spec, entry)
    if (dtype === 'float32' || entry.dtype === dtype) {
      return { part: entry.part, file: own, dtype: entry.dtype }
    }
    return { part: entry.part, file: recodePart(spec, entry.part, own, STORED_AS[dtype]), dtype }
  })
  return {
    ...{ name, spec, preprocessing, labels, training, recipeBytes, reportBytes },
    trainedOn: datasetNameOf(join(folder, 'report.json'), reportBytes),
    parts: await Promise.all(stored),
  }
}
