import { createHash } from 'node:crypto'
import { joinCheckpoint } from '@layerswarm/model'
import { modelFile, readModelFile } from './model-file.ts'
import { layoutOf } from './parameters.ts'
import type { StartModel } from './start-model.ts'

/**
 * What a training was given besides recipe and data, by the SHA-256 of each model's weights as a training would write
 * them, hexadecimal: the `modelHash` of the report that a release of float32 parts has.
 */
export interface Origin {
  /** The model that it began with; null for fresh weights. */
  readonly startedFrom: string | null
  /** Whose answers were part of its targets. */
  readonly teachers: readonly string[]
}

/** @throws ModelError when a file of a model is damaged or does not fit its spec. */
export function originOf(from: StartModel | undefined, teachers: readonly StartModel[]): Origin {
  return {
    startedFrom: from === undefined ? null : weightsHash(from),
    teachers: teachers.map(weightsHash),
  }
}

/** Whether what a checkpoint says is this origin. */
export function isSameOrigin(stored: unknown, origin: Origin): boolean {
  return JSON.stringify(stored) === JSON.stringify(origin)
}

function weightsHash({ spec, parts }: StartModel): string {
  const weights = readModelFile(spec, joinCheckpoint(spec, parts))
  return createHash('sha256')
    .update(modelFile(layoutOf(spec), weights))
    .digest('hex')
}
