import { basename, join, resolve } from 'node:path'
import {
  checkPart,
  checkSha256,
  MANIFEST_BYTES_MAX,
  type Manifest,
  type ManifestPart,
  type ModelSpec,
  type Part,
  type Preprocessing,
  parseManifest,
  splitCheckpoint,
  verifyManifest,
} from '@layerswarm/model'
import type { TrainingFacts } from '@layerswarm/trainer'
import { CliError } from '../cli-error.ts'
import { exists, readBounded, requireFolder } from '../files.ts'
import { readCheckpointFolder } from './checkpoint-folder.ts'
import {
  readCpuSeconds,
  readTrainingFolder,
  refuseBackbone,
  refuseUnfinished,
} from './training-folder.ts'

/** A model that was read from a folder, every part of it checked against its spec. */
export interface ModelFolder {
  readonly name: string
  readonly spec: ModelSpec
  readonly parts: ReadonlyMap<Part, Uint8Array>
  /** How pictures become inputs; a Hugging Face style folder without preprocessor_config.json does not say. */
  readonly preprocessing: Preprocessing | undefined
  /** One per class; none of a backbone. */
  readonly labels: readonly string[]
  /** It has no classifier, and is only a start for a training. */
  readonly isBackbone: boolean
  /** How it was made; a Hugging Face style folder does not say. */
  readonly training: TrainingFacts | undefined
}

/**
 * Reads a release (manifest.json and parts/), a training's result (report.json and
 * model.safetensors) or a folder of Hugging Face or timm (config.json and model.safetensors, or
 * its shards).
 * @throws CliError `not-found`, `bad-file`, or `refused` for a backbone without a classifier;
 * ModelError for contents that make no model, a part that does not have its hash, or a manifest
 * that its publisher did not sign.
 */
export async function readModelFolder(folder: string): Promise<ModelFolder> {
  const model = await readStartFolder(folder)
  refuseBackbone(folder, model.isBackbone)
  return model
}

/**
 * Reads a model to begin a training with: as `readModelFolder`, but also a backbone.
 * @throws as `readModelFolder`.
 */
export async function readStartFolder(folder: string): Promise<ModelFolder> {
  await requireFolder(folder)
  if (await exists(join(folder, 'manifest.json'))) return readRelease(folder)
  if (await exists(join(folder, 'config.json'))) return readCheckpoint(folder)
  if (await exists(join(folder, 'report.json'))) return readTraining(folder)
  await refuseUnfinished(folder)
  throw new CliError(
    { code: 'bad-file', path: folder },
    `${folder} holds neither a release (manifest.json) nor a model (model.safetensors with config.json or report.json)`,
  )
}

/** Where a part of a release lies below its folder. */
export function partPath({ sha256 }: Pick<ManifestPart, 'sha256'>): string {
  return join('parts', `${sha256}.safetensors`)
}

/** Reads a release's manifest and checks its signature. @throws as `readModelFolder`. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, 'manifest.json')
  const manifest = parseManifest(await readBounded(path, MANIFEST_BYTES_MAX))
  verifyManifest(manifest)
  return manifest
}

async function readRelease(folder: string): Promise<ModelFolder> {
  const { name, spec, preprocessing, labels, training, parts: entries } = await readManifest(folder)
  const parts = new Map<Part, Uint8Array>()
  for (const entry of entries) {
    const path = join(folder, partPath(entry))
    const file = await readBounded(path, entry.bytes)
    checkSha256(file, entry.sha256, path)
    checkPart(spec, entry.part, file)
    parts.set(entry.part, file)
  }
  const cpuSeconds = await readCpuSeconds(join(folder, 'report.json'), training.report)
  const { images, seed } = training
  const facts = { images, seed, cpuSeconds }
  return { name, spec, parts, preprocessing, labels, isBackbone: false, training: facts }
}

async function readCheckpoint(folder: string): Promise<ModelFolder> {
  const { saysPreprocessing, preprocessing, ...model } = await readCheckpointFolder(folder, false)
  return {
    ...model,
    name: basename(resolve(folder)),
    preprocessing: saysPreprocessing ? preprocessing : undefined,
    training: undefined,
  }
}

async function readTraining(folder: string): Promise<ModelFolder> {
  const { name, spec, preprocessing, labels, isBackbone, checkpoint, ...facts } =
    await readTrainingFolder(folder)
  const { imagesSeen: images, seed, cpuSeconds } = facts
  const parts = splitCheckpoint(checkpoint, spec)
  const training = { images, seed, cpuSeconds }
  return { name, spec, parts, preprocessing, labels, isBackbone, training }
}
