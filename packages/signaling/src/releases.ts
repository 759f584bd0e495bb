import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  FOREIGN_FILE_BYTES,
  filesOf,
  foreignFile,
  type Manifest,
  manifestBytes,
  parseManifest,
  type ReleaseFile,
  type ReleaseId,
  releaseId,
  verifyManifest,
} from '@layerswarm/model'
import { reasonOf, SignalingError, systemCode } from './errors.ts'

/** A release whose signature and parts were checked. */
export interface Release {
  readonly id: ReleaseId
  readonly manifest: Manifest
  /** Its canonical bytes; their hash is `id`. */
  readonly bytes: Uint8Array
  readonly dir: string
}

/** One part on disk. */
interface PartFile {
  readonly path: string
  readonly bytes: number
}

/** What this server offers; every part under its hash, whichever release it belongs to. */
export interface Releases {
  readonly list: readonly Release[]
  readonly parts: ReadonlyMap<string, PartFile>
  /** Why a folder was refused, one entry per bad folder. */
  readonly refused: readonly SignalingError[]
}

/** Where a part lies in its release's folder. */
export function partPath(dir: string, sha256: string): string {
  return join(dir, 'parts', `${sha256}.safetensors`)
}

/**
 * Reads and checks the release in each folder: manifest.json and parts/<sha256>.safetensors.
 * A bad folder is reported in `refused`, the others still count.
 * @throws SignalingError `no-release` when none is good.
 */
export async function loadReleases(dirs: readonly string[]): Promise<Releases> {
  let releases: Releases = { list: [], parts: new Map(), refused: [] }
  const refused: SignalingError[] = []
  for (const dir of dirs) {
    try {
      releases = withRelease(releases, await loadRelease(dir))
    } catch (error) {
      if (!(error instanceof SignalingError)) throw error
      refused.push(error)
    }
  }
  if (releases.list.length === 0) throw noRelease(refused)
  return { ...releases, refused }
}

/**
 * Adds a release. A newer one of the same publisher and name goes before the older ones, which stay
 * for the peers that still serve them; who asks for a name, or for any, gets the newest.
 */
export function withRelease(releases: Releases, added: Release): Releases {
  const others = releases.list.filter(({ id }) => id !== added.id)
  const older = others.findIndex((known) => isNewer(added.manifest, known.manifest))
  const list = others.toSpliced(older === -1 ? others.length : older, 0, added)
  const files = filesOf(added.manifest).map(({ sha256, bytes }): [string, PartFile] => [
    sha256,
    { path: partPath(added.dir, sha256), bytes },
  ])
  return { ...releases, list, parts: new Map([...releases.parts, ...files]) }
}

function isNewer(a: Manifest, b: Manifest): boolean {
  const isSame = a.publisher === b.publisher && a.name === b.name
  return isSame && Date.parse(a.training.createdAt) > Date.parse(b.training.createdAt)
}

function noRelease([first, ...others]: readonly SignalingError[]): SignalingError {
  const reasons =
    first === undefined
      ? 'no model folder was given; name one that holds manifest.json and parts/'
      : `${first.message}${others.length > 0 ? ` (and ${others.length} more)` : ''}`
  return new SignalingError({ code: 'no-release' }, `there is no release to serve: ${reasons}`)
}

/** @throws SignalingError `bad-release`. */
export async function loadRelease(dir: string): Promise<Release> {
  const manifest = await loadManifest(dir)
  for (const file of filesOf(manifest)) await checkPartFile(dir, file)
  return { id: releaseId(manifest), manifest, bytes: manifestBytes(manifest), dir }
}

async function loadManifest(dir: string): Promise<Manifest> {
  const path = join(dir, 'manifest.json')
  try {
    const manifest = parseManifest(new Uint8Array(await readFile(path)))
    verifyManifest(manifest)
    return manifest
  } catch (error) {
    throw badRelease(dir, systemCode(error) === 'ENOENT' ? 'it has no manifest.json' : error)
  }
}

async function checkPartFile(
  dir: string,
  { part, sha256, bytes, dtype }: ReleaseFile,
): Promise<void> {
  const path = partPath(dir, sha256)
  const name =
    typeof part === 'number'
      ? `layer ${part}${dtype.startsWith('int') ? ` in ${dtype}` : ''}`
      : `the ${part}`
  let actual: string
  try {
    const { size } = await stat(path)
    if (size !== bytes) {
      const foreign = foreignFile(await beginning(path))
      throw badRelease(
        dir,
        foreign === undefined
          ? `${name} has ${size} bytes instead of ${bytes}; copy the folder again`
          : `${name} (${path}) is ${foreign}`,
      )
    }
    actual = await hashFile(path)
  } catch (error) {
    if (error instanceof SignalingError) throw error
    const missing = `${name} is missing (parts/${sha256}.safetensors); copy the folder again`
    throw badRelease(dir, systemCode(error) === 'ENOENT' ? missing : error)
  }
  if (actual !== sha256) {
    throw badRelease(dir, `${name} does not have the hash in the manifest; copy the folder again`)
  }
}

async function beginning(path: string): Promise<Uint8Array> {
  const chunks = await createReadStream(path, { end: FOREIGN_FILE_BYTES - 1 }).toArray()
  return new Uint8Array(Buffer.concat(chunks))
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

function badRelease(dir: string, reason: unknown): SignalingError {
  return new SignalingError(
    { code: 'bad-release', dir },
    `the release in ${dir} is refused: ${reasonOf(reason)}`,
  )
}
