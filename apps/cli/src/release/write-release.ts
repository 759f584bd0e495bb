import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  filesOf,
  MANIFEST_FORMAT,
  type Manifest,
  type ManifestPart,
  manifestBytes,
  sha256,
  signManifest,
} from '@layerswarm/model'
import { makeFolder, openOutputFolder, replaceFile } from '@layerswarm/trainer'
import { CliError } from '../cli-error.ts'
import { exists } from '../files.ts'
import { RELEASE_DOCUMENTS_BYTES } from '../limits.ts'
import type { SmallFiles } from './layer-files.ts'
import type { PublishSource } from './publish-source.ts'
import { partPath, readManifest } from './release-folder.ts'

/** What a publisher says of a release. */
export interface ReleaseOptions {
  readonly name: string
  readonly key: Uint8Array
  /** What was measured of it, each undefined where it was not. */
  readonly measured: {
    readonly [Field in 'rounds' | 'novelty' | 'mixes']: Manifest[Field] | undefined
  }
  /** Smaller files of its layers, undefined where it has none. */
  readonly smallFiles: SmallFiles | undefined
}

/** A signed manifest and all of its files, by hash. */
export interface SignedRelease {
  readonly manifest: Manifest
  readonly files: ReadonlyMap<string, Uint8Array>
}

/** Signs what the parts of a model are, how it was made, and what was measured of it. */
export function signRelease(
  { spec, preprocessing, labels, training, parts: stored }: PublishSource,
  { name, key, measured, smallFiles }: ReleaseOptions,
): SignedRelease {
  const files = new Map(smallFiles?.bytes)
  const parts = stored.map(({ part, file, dtype }): ManifestPart => {
    const hash = sha256(file)
    files.set(hash, file)
    return { part, sha256: hash, bytes: file.length, dtype }
  })
  const format = MANIFEST_FORMAT
  const { rounds, novelty, mixes } = measured
  const named = { format, name, spec, preprocessing, labels, parts, training } as const
  const figures = {
    ...(rounds === undefined ? {} : { rounds }),
    ...(novelty === undefined ? {} : { novelty }),
    ...(mixes === undefined ? {} : { mixes }),
    ...(smallFiles === undefined ? {} : { layerFiles: smallFiles.layerFiles }),
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
  { recipeBytes, reportBytes }: Pick<PublishSource, 'recipeBytes' | 'reportBytes'>,
  { manifest, files }: SignedRelease,
  folder: string,
): Promise<void> {
  const previous = await previousRelease(folder, manifest)
  const bytes = filesOf(manifest).reduce((sum, file) => sum + file.bytes, 0)
  await openOutputFolder(
    folder,
    bytes + recipeBytes.length + reportBytes.length + RELEASE_DOCUMENTS_BYTES,
  )
  await makeFolder(join(folder, 'parts'))
  try {
    for (const entry of filesOf(manifest)) {
      await replaceFile(join(folder, partPath(entry)), files.get(entry.sha256) ?? new Uint8Array())
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
  const kept = new Set(staying && filesOf(staying).map(({ sha256: hash }) => hash))
  for (const part of gone === undefined ? [] : filesOf(gone)) {
    if (!kept.has(part.sha256)) await rm(join(folder, partPath(part)), { force: true })
  }
}
