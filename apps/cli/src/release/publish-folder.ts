import { join } from 'node:path'
import { type LayerDtype, type Manifest, mixFault } from '@layerswarm/model'
import { usageError } from '../cli-error.ts'
import { exists, readBounded, requireFolder } from '../files.ts'
import { PUBLISHED_ROUNDS_SEEDS } from '../limits.ts'
import { measureRounds } from './evaluate-folders.ts'
import { checkKinds, smallFilesOf } from './layer-files.ts'
import { FASHION_MNIST, mixesOf, noveltyOf } from './measured.ts'
import { type PublishSource, readReleaseSource, readTrainingSource } from './publish-source.ts'
import { readOrCreateKey } from './publisher-key.ts'
import { refuseUnimported } from './refuse-unpublished.ts'
import { partPath, readManifest } from './release-folder.ts'
import { checkedName } from './release-name.ts'
import { refuseOtherRelease } from './taken-folder.ts'
import { type UploadableRelease, type UploadTarget, uploadRelease } from './upload-release.ts'
import { signRelease, writeRelease } from './write-release.ts'

/** What becomes of a release: a folder, an upload, or both. */
export interface PublishChoice {
  readonly out: string | undefined
  readonly key: string | undefined
  readonly name: string | undefined
  readonly dtype: 'float32' | 'float16'
  /** Groupings as "4+4" whose accuracies are measured and signed; none for a release that is uploaded as it is. */
  readonly rounds: readonly string[]
  /** Kinds of smaller files of its layers, which are made, measured and signed; none for a release that is uploaded as it is. */
  readonly layerFiles: readonly LayerDtype[]
  /** Releases in folders that it mixes with, which is measured and signed; none for a release that is uploaded as it is. */
  readonly mixesWith: readonly string[]
  /** Test images for what is measured; Fashion-MNIST where it is undefined. */
  readonly data: string | undefined
  readonly signal: AbortSignal
  /** Where the release is uploaded to. */
  readonly target: UploadTarget | undefined
  log(line: string): void
  progress(text: string): void
}

/** A release and, when it was uploaded, what had to be sent. */
export interface Published {
  readonly manifest: Manifest
  readonly uploaded: { readonly parts: number; readonly bytes: number } | undefined
}

/**
 * Signs a trained model as a release, or a release anew into another folder, or takes one as it is signed; writes it
 * into a folder, uploads it, or both. @throws CliError; ModelError.
 */
export async function publishFolder(folder: string, choice: PublishChoice): Promise<Published> {
  await requireFolder(folder)
  const isRelease = await exists(join(folder, 'manifest.json'))
  const { out, dtype, target } = choice
  if (out === undefined && target === undefined) {
    throw usageError('publish needs --out DIR, --to URL or both')
  }
  if (!isRelease && !(await exists(join(folder, 'report.json')))) await refuseUnimported(folder)
  const readSource = isRelease ? readReleaseSource : readTrainingSource
  const release =
    isRelease && out === undefined
      ? await signedRelease(folder, choice)
      : await newRelease(folder, await readSource(folder, dtype), choice)
  const uploaded = target === undefined ? undefined : await uploadRelease(release, target)
  return { manifest: release.manifest, uploaded }
}

/** A release as it is: what would change it needs a folder for the new one. */
async function signedRelease(folder: string, choice: PublishChoice): Promise<UploadableRelease> {
  const { name, dtype, data } = choice
  const changing = [
    ...(name === undefined ? [] : ['--name']),
    ...(dtype === 'float32' ? [] : ['--dtype']),
    ...measuringFlags(choice),
    ...(data === undefined ? [] : ['--data']),
  ]
  if (changing[0] !== undefined) {
    throw usageError(
      `${folder} is a signed release already and is uploaded as it is; with ${changing[0]} it becomes another one, which needs --out DIR`,
    )
  }
  const manifest = await readManifest(folder)
  return {
    manifest,
    file: async ({ sha256, bytes }) => readBounded(join(folder, partPath({ sha256 })), bytes),
  }
}

async function newRelease(
  folder: string,
  source: PublishSource,
  choice: PublishChoice,
): Promise<UploadableRelease> {
  const { out, log } = choice
  const name = choice.name ?? source.name
  // Before anything is measured, which may take minutes.
  checkedName(name)
  checkData(folder, source.trainedOn, choice)
  if (out !== undefined) await refuseOtherRelease(out, folder, { ...source, name })
  // As the last layer is stored: those of a release are all alike.
  const dtype = source.parts.at(-1)?.dtype ?? choice.dtype
  checkKinds(choice.layerFiles, dtype)
  const rounds = await roundsOf(folder, choice)
  const mixes = await mixesOf(folder, choice)
  const novelty = await noveltyOf(folder, source.trainedOn, choice)
  const smallFiles = await smallFilesOf(folder, choice.layerFiles, dtype, choice)
  const keyFile = choice.key ?? join('.layerswarm', 'publisher.key')
  const { key, created } = await readOrCreateKey(keyFile)
  if (created) log(`made a publisher key in ${keyFile}; keep it to publish under the same name`)
  const measured = { rounds, novelty, mixes }
  const release = signRelease(source, { name, key, measured, smallFiles })
  if (out !== undefined) await writeRelease(source, release, out)
  const { manifest, files } = release
  for (const place of choice.mixesWith) {
    const fault = mixFault(manifest, await readManifest(place))
    if (fault !== undefined) log(`peers will share no lane with those of ${place}: ${fault}`)
  }
  return {
    manifest,
    file: async ({ sha256 }) => files.get(sha256) ?? new Uint8Array(),
  }
}

/** Figures that are signed are of the data that a model learned. @throws CliError `bad-usage`. */
function checkData(folder: string, trainedOn: string | undefined, choice: PublishChoice): void {
  const [asked] = measuringFlags(choice)
  if (asked === undefined || choice.data !== undefined || trainedOn === FASHION_MNIST) return
  const learned = trainedOn === undefined ? 'something that is not known' : `"${trainedOn}"`
  throw usageError(
    `${asked} measures ${folder} on test images, and it learned ${learned}, not Fashion-MNIST: name its data set with --data DIR`,
  )
}

/** The flags that ask for figures of test images. */
function measuringFlags({ rounds, layerFiles, mixesWith }: PublishChoice): string[] {
  return [
    ...(rounds.length > 0 ? ['--rounds'] : []),
    ...(layerFiles.length > 0 ? ['--layer-files'] : []),
    ...(mixesWith.length > 0 ? ['--mixes-with'] : []),
  ]
}

/** What a manifest says of groupings; undefined where none is asked for. */
async function roundsOf(
  folder: string,
  { rounds, data, signal, log, progress }: PublishChoice,
): Promise<Manifest['rounds']> {
  if (rounds.length === 0) return undefined
  return measureRounds(folder, {
    ...{ rounds, data, signal, log, progress, seeds: PUBLISHED_ROUNDS_SEEDS },
    ...{ samples: undefined, download: undefined, images: undefined, strict: false },
    layerFiles: [],
  })
}
