import { basename, join, resolve } from 'node:path'
import {
  checkPart,
  checkSha256,
  filesOf,
  foreignFile,
  type LayerDtype,
  MANIFEST_BYTES_MAX,
  type Manifest,
  ModelError,
  type ModelSpec,
  type Part,
  type Preprocessing,
  parseManifest,
  type ReleaseFile,
  splitCheckpoint,
  verifyManifest,
} from '@layerswarm/model'
import type { TrainingFacts } from '@layerswarm/trainer'
import { CliError } from '../cli-error.ts'
import { exists, readBounded, requireFolder } from '../files.ts'
import { readCheckpointFolder } from './checkpoint-folder.ts'
import { modelBelow } from './model-below.ts'
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
  /** How they store the layers. */
  readonly layerDtype: LayerDtype
  /** All parts again with the smaller files of the layers that a release has, by kind. */
  readonly layerFiles: ReadonlyMap<LayerDtype, ReadonlyMap<Part, Uint8Array>>
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
  const below = await modelBelow(folder, ['manifest.json', 'config.json', 'report.json'])
  const hint = below === undefined ? '' : `; one lies in ${below}: name that folder`
  throw new CliError(
    { code: 'bad-file', path: folder },
    `${folder} holds neither a release (manifest.json) nor a model (model.safetensors with config.json or report.json)${hint}`,
  )
}

/** What is no release has no smaller files of its layers. */
const ONE_KIND = { layerDtype: 'float32', layerFiles: new Map() } as const

/** Where a part of a release lies below its folder. */
export function partPath({ sha256 }: { readonly sha256: string }): string {
  return join('parts', `${sha256}.safetensors`)
}

/** Reads a release's manifest and checks its signature. @throws as `readModelFolder`. */
export async function readManifest(folder: string): Promise<Manifest> {
  const bytes = await readBounded(join(folder, 'manifest.json'), MANIFEST_BYTES_MAX)
  try {
    const manifest = parseManifest(bytes)
    verifyManifest(manifest)
    return manifest
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    // Several releases may have been named.
    throw new ModelError(error.fault, `${folder}: ${error.message}`)
  }
}

/** Reads a file of a release and checks that it is what was signed. @throws as `readModelFolder`. */
export async function readPart(
  folder: string,
  spec: ModelSpec,
  entry: Pick<ReleaseFile, 'part' | 'sha256' | 'bytes'>,
): Promise<Uint8Array> {
  const path = join(folder, partPath(entry))
  const file = await readBounded(path, entry.bytes)
  const foreign = file.length === entry.bytes ? undefined : foreignFile(file)
  if (foreign !== undefined) {
    throw new CliError({ code: 'bad-file', path }, `${path} is no part: it is ${foreign}`)
  }
  checkSha256(file, entry.sha256, path)
  checkPart(spec, entry.part, file)
  return file
}

async function readRelease(folder: string): Promise<ModelFolder> {
  const manifest = await readManifest(folder)
  const { name, spec, preprocessing, labels, training } = manifest
  const parts = new Map<Part, Uint8Array>()
  const layerFiles = new Map<LayerDtype, Map<Part, Uint8Array>>()
  for (const entry of filesOf(manifest)) {
    const file = await readPart(folder, spec, entry)
    // Those of the parts come first, and all of them.
    const kind = parts.has(entry.part) ? (layerFiles.get(entry.dtype) ?? new Map(parts)) : parts
    kind.set(entry.part, file)
    if (kind !== parts) layerFiles.set(entry.dtype, kind)
  }
  const layerDtype = manifest.parts.find(({ part }) => part === 0)?.dtype ?? 'float32'
  const cpuSeconds = await readCpuSeconds(join(folder, 'report.json'), training.report)
  const { images, seed } = training
  const facts = { images, seed, cpuSeconds }
  const files = { parts, layerDtype, layerFiles }
  return { name, spec, ...files, preprocessing, labels, isBackbone: false, training: facts }
}

async function readCheckpoint(folder: string): Promise<ModelFolder> {
  const { saysPreprocessing, preprocessing, ...model } = await readCheckpointFolder(folder, false)
  return {
    ...model,
    name: basename(resolve(folder)),
    ...ONE_KIND,
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
  const files = { parts, ...ONE_KIND }
  return { name, spec, ...files, preprocessing, labels, isBackbone, training }
}
