import { join } from 'node:path'
import { joinCheckpoint, type ModelSpec, randomModel } from '@layerswarm/model'
import { sourceOfTraining } from '../release/publish-source.ts'
import type { TrainingFolder } from '../release/training-folder.ts'
import { signRelease, writeRelease } from '../release/write-release.ts'

/** A release of random weights, in a folder of its own below `scratch`: for measuring, it knows nothing. */
export async function writeSyntheticRelease(
  scratch: string,
  name: string,
  spec: ModelSpec,
  dtype: 'float32' | 'float16' = 'float32',
): Promise<string> {
  const folder = join(scratch, name)
  const training: TrainingFolder = {
    name,
    spec,
    preprocessing: {
      size: spec.imageSize,
      channels: spec.channels,
      mean: Array.from({ length: spec.channels }, () => 0.5),
      std: Array.from({ length: spec.channels }, () => 0.5),
      foreground: 'any',
    },
    trainedOn: undefined,
    isBackbone: false,
    labels: Array.from({ length: spec.classes }, (_, id) => `class ${id}`),
    seed: 1,
    imagesSeen: 0,
    checkpoint: joinCheckpoint(spec, randomModel(spec, 1)),
    recipeBytes: new TextEncoder().encode('{}'),
    reportBytes: new TextEncoder().encode('{}'),
  }
  const key = new Uint8Array(32).fill(7)
  const measured = { rounds: undefined, novelty: undefined, mixes: undefined }
  const source = sourceOfTraining(training, dtype, new Date())
  const release = signRelease(source, { name, key, measured, smallFiles: undefined })
  await writeRelease(source, release, folder)
  return folder
}
