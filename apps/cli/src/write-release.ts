import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  MANIFEST_FORMAT,
  type Manifest,
  type ManifestPart,
  manifestBytes,
  partsOf,
  type SafetensorsDtype,
  sha256,
  signManifest,
  splitCheckpoint,
} from '@layerswarm/model'
import { CliError } from './cli-error.ts'
import { exists } from './files.ts'
import { partPath, readManifest } from './release-folder.ts'
import type { TrainingFolder } from './training-folder.ts'

export interface ReleaseOptions {
  readonly name: string
  readonly dtype: 'float32' | 'float16'
  readonly key: Uint8Array
  readonly createdAt: Date
}

const STORED_AS: Readonly<Record<ReleaseOptions['dtype'], SafetensorsDtype>> = {
  float32: 'F32',
  float16: 'F16',
}

/**
 * Cuts a trained model into its parts, signs what they are, and writes the release into a folder.
 * The manifest comes last: a folder with a manifest is complete.
 * @throws ModelError when the model is not what its report says; CliError `refused` when the
 * folder already holds another publisher's release.
 */
export async function writeRelease(
  training: TrainingFolder,
  folder: string,
  options: ReleaseOptions,
): Promise<Manifest> {
  const { spec, preprocessing, labels, seed, imagesSeen, recipeBytes, reportBytes } = training
  const files = splitCheckpoint(training.checkpoint, spec, { dtype: STORED_AS[options.dtype] })
  const parts = partsOf(spec).map((part): ManifestPart => {
    const file = files.get(part) ?? new Uint8Array()
    return { part, sha256: sha256(file), bytes: file.length, dtype: options.dtype }
  })
  const manifest = signManifest(
    {
      format: MANIFEST_FORMAT,
      name: options.name,
      spec,
      preprocessing,
      labels,
      parts,
      training: {
        recipe: sha256(recipeBytes),
        seed,
        images: imagesSeen,
        createdAt: options.createdAt.toISOString(),
        report: sha256(reportBytes),
      },
    },
    options.key,
  )
  const previous = await previousRelease(folder, manifest)
  await mkdir(join(folder, 'parts'), { recursive: true })
  for (const entry of parts) {
    await writeFile(join(folder, partPath(entry)), files.get(entry.part) ?? new Uint8Array())
  }
  await writeFile(join(folder, 'recipe.json'), recipeBytes)
  await writeFile(join(folder, 'report.json'), reportBytes)
  const draft = join(folder, 'manifest.json.part')
  await writeFile(draft, manifestBytes(manifest))
  await rename(draft, join(folder, 'manifest.json'))
  await removeOldParts(folder, previous, manifest)
  return manifest
}

/** The release that is about to be replaced; only its own publisher may. */
async function previousRelease(folder: string, next: Manifest): Promise<Manifest | undefined> {
  if (!(await exists(join(folder, 'manifest.json')))) return undefined
  const previous = await readManifest(folder).catch(() => undefined)
  if (previous?.publisher === next.publisher) return previous
  throw new CliError(
    { code: 'refused', what: folder },
    `${folder} holds a release that this key did not sign; choose another folder or key`,
  )
}

async function removeOldParts(
  folder: string,
  previous: Manifest | undefined,
  next: Manifest,
): Promise<void> {
  const kept = new Set(next.parts.map(({ sha256: hash }) => hash))
  for (const part of previous?.parts ?? []) {
    if (!kept.has(part.sha256)) await rm(join(folder, partPath(part)), { force: true })
  }
}
