import { join } from 'node:path'
import type { Manifest } from '@layerswarm/model'
import { usageError } from '../cli-error.ts'
import { exists, readBounded, requireFolder } from '../files.ts'
import { readOrCreateKey } from './publisher-key.ts'
import { partPath, readManifest } from './release-folder.ts'
import { readTrainingFolder, refuseBackbone } from './training-folder.ts'
import { type UploadableRelease, type UploadTarget, uploadRelease } from './upload-release.ts'
import { signRelease, writeRelease } from './write-release.ts'

/** What becomes of a release: a folder, an upload, or both. */
export interface PublishChoice {
  readonly out: string | undefined
  readonly key: string | undefined
  readonly name: string | undefined
  readonly dtype: 'float32' | 'float16'
  /** Where the release is uploaded to. */
  readonly target: UploadTarget | undefined
  log(line: string): void
}

/** A release and, when it was uploaded, what had to be sent. */
export interface Published {
  readonly manifest: Manifest
  readonly uploaded: { readonly parts: number; readonly bytes: number } | undefined
}

/**
 * Signs a trained model as a release, or takes a release that is signed already; writes it into a
 * folder, uploads it, or both. @throws CliError; ModelError.
 */
export async function publishFolder(folder: string, choice: PublishChoice): Promise<Published> {
  await requireFolder(folder)
  const isRelease = await exists(join(folder, 'manifest.json'))
  const release = isRelease ? await signedRelease(folder, choice) : await newRelease(folder, choice)
  const { target } = choice
  const uploaded = target === undefined ? undefined : await uploadRelease(release, target)
  return { manifest: release.manifest, uploaded }
}

async function signedRelease(
  folder: string,
  { out, name, target }: PublishChoice,
): Promise<UploadableRelease> {
  if (out !== undefined || name !== undefined || target === undefined) {
    throw usageError(
      `${folder} is a signed release already; it can only be uploaded, with --to URL`,
    )
  }
  const manifest = await readManifest(folder)
  return {
    manifest,
    part: async ({ sha256, bytes }) => readBounded(join(folder, partPath({ sha256 })), bytes),
  }
}

async function newRelease(folder: string, choice: PublishChoice): Promise<UploadableRelease> {
  const { out, name, dtype, log } = choice
  if (out === undefined && choice.target === undefined) {
    throw usageError('publish needs --out DIR, --to URL or both')
  }
  const training = await readTrainingFolder(folder)
  refuseBackbone(folder, training.isBackbone)
  const keyFile = choice.key ?? join('.layerswarm', 'publisher.key')
  const { key, created } = await readOrCreateKey(keyFile)
  if (created) log(`made a publisher key in ${keyFile}; keep it to publish under the same name`)
  const release = signRelease(training, {
    name: name ?? training.name,
    dtype,
    key,
    createdAt: new Date(),
  })
  if (out !== undefined) await writeRelease(training, release, out)
  const { manifest, files } = release
  return {
    manifest,
    part: async ({ part }) => files.get(part) ?? new Uint8Array(),
  }
}
