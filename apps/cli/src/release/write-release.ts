import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  MANIFEST_FORMAT,
  type Manifest,
  type ManifestPart,
  manifestBytes,
  type Part,
  partsOf,
  type SafetensorsDtype,
  sha256,
  signManifest,
  splitCheckpoint,
} from '@layerswarm/model'
import { makeFolder, openOutputFolder, replaceFile } from '@layerswarm/trainer'
import { CliError } from '../cli-error.ts'
import { exists } from '../files.ts'
import { RELEASE_DOCUMENTS_BYTES } from '../limits.ts'
import { partPath, readManifest } from './release-folder.ts'
import type { TrainingFolder } from './training-folder.ts'

/** What a publisher says of a release. */
export interface ReleaseOptions {
  readonly name: string
  readonly dtype: 'float32' | 'float16'
  readonly key: Uint8Array
  readonly createdAt: Date
  /** What was measured of it, each undefined where it was not. */
  readonly measured: {
    readonly [Field in 'rounds' | 'novelty' | 'mixes']: Manifest[Field] | undefined
  }
}

const STORED_AS: Readonly<Record<ReleaseOptions['dtype'], SafetensorsDtype>> = {
  float32: 'F32',
  float16: 'F16',
}

/** A signed manifest and the files of its parts. */
export interface SignedRelease {
  readonly manifest: Manifest
  readonly files: ReadonlyMap<Part, Uint8Array>
}

/**
 * Cuts a trained model into its parts and signs what they are.
 * @throws ModelError when the model is not what its report says.
 */
export function signRelease(
  { spec, preprocessing, labels, seed, imagesSeen, checkpoint, ...documents }: TrainingFolder,
  { name, dtype, key, createdAt, measured }: ReleaseOptions,
): SignedRelease {
  const files = splitCheckpoint(checkpoint, spec, { dtype: STORED_AS[dtype] })
  const parts = partsOf(spec).map((part): ManifestPart => {
    const file = files.get(part) ?? new Uint8Array()
    return { part, sha256: sha256(file), bytes: file.length, dtype }
  })
  const training = {
    recipe: sha256(documents.recipeBytes),
    seed,
    images: imagesSeen,
    createdAt: createdAt.toISOString(),
    report: sha256(documents.reportBytes),
  }
  const format = MANIFEST_FORMAT
  const { rounds, novelty, mixes } = measured
  const named = { format, name, spec, preprocessing, labels, parts, training } as const
  const figures = {
    ...(rounds === undefined ? {} : { rounds }),
    ...(novelty === undefined ? {} : { novelty }),
    ...(mixes === undefined ? {} : { mixes }),
  }
  return { manifest: signManifest({ ...named, ...figures }, key), files }
}

/**
 * Writes a release into a folder. Every file appears whole, the manifest last: a folder with a
 * manifest is complete. What was written in vain is taken away again.
 * @throws CliError `refused` when the folder already holds another publisher's release;
 * TrainerError `cannot-write`.
 */
export async function writeRelease(
  { recipeBytes, reportBytes }: Pick<TrainingFolder, 'recipeBytes' | 'reportBytes'>,
  { manifest, files }: SignedRelease,
  folder: string,
): Promise<void> {
  const previous = await previousRelease(folder, manifest)
  const bytes = manifest.parts.reduce((sum, part) => sum + part.bytes, 0)
  await openOutputFolder(
    folder,
    bytes + recipeBytes.length + reportBytes.length + RELEASE_DOCUMENTS_BYTES,
  )
  await makeFolder(join(folder, 'parts'))
  try {
    for (const entry of manifest.parts) {
      await replaceFile(join(folder, partPath(entry)), files.get(entry.part) ?? new Uint8Array())
    }
    await replaceFile(join(folder, 'recipe.json'), recipeBytes)
    await replaceFile(join(folder, 'report.json'), reportBytes)
    await replaceFile(join(folder, 'manifest.json'), manifestBytes(manifest))
  } catch (error) {
    await removeParts(folder, manifest, previous).catch(() => undefined) // the first error tells more
    throw error
  }
  await removeParts(folder, previous, manifest)
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

/** Removes the parts of one release that another one does not have. */
async function removeParts(
  folder: string,
  gone: Manifest | undefined,
  staying: Manifest | undefined,
): Promise<void> {
  const kept = new Set(staying?.parts.map(({ sha256: hash }) => hash))
  for (const part of gone?.parts ?? []) {
    if (!kept.has(part.sha256)) await rm(join(folder, partPath(part)), { force: true })
  }
}
