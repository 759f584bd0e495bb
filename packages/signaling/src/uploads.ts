import { createHash } from 'node:crypto'
import { copyFile, type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CodedError,
  fileReason,
  filesOf,
  isSha256,
  type Manifest,
  ModelError,
  manifestBytes,
  parseManifest,
  releaseId,
  verifyManifest,
} from '@layerswarm/model'
import { SignalingError, systemCode } from './errors.ts'
import { UPLOAD_DRAFTS_MAX, UPLOAD_RELEASE_BYTES_MAX, UPLOADED_RELEASES_MAX } from './limits.ts'
import { partPath, type Releases } from './releases.ts'
import { makeFolder, replaceFile } from './replace-file.ts'
import { createToken, type Token } from './token.ts'

/** Who may upload, and where uploads are kept. */
export interface UploadOptions {
  /** The secret that an upload must bring as `authorization: Bearer …`, or `sha256:` and its hash in hex. */
  readonly token: string
  /** Receives a folder per release. */
  readonly dir: string
}

/** What became of a manifest: the hashes of the parts that are still missing, or a complete folder. */
export type ManifestUpload =
  | { readonly missing: readonly string[] }
  | { readonly missing: readonly []; readonly dir: string }

/**
 * Releases that arrive over HTTP. A manifest comes first and says which parts are welcome; they
 * come next, each checked against its hash; the manifest comes again when all are there.
 *
 * 1. Nothing is stored that a signed manifest does not name, in another size or with another hash.
 * 2. A folder with manifest.json is complete: the manifest is written last, and in one step.
 * 3. Names of files are made of hashes only.
 * 4. Drafts, releases and the bytes of each are bounded.
 */
export interface Uploads extends Token {
  /** @throws UploadError */
  putManifest(id: string, bytes: Uint8Array): Promise<ManifestUpload>
  /** @throws UploadError when the content is not the part; nothing of it is kept then. */
  putPart(sha256: string, content: AsyncIterable<Uint8Array>): Promise<void>
}

/** An upload that is refused, with the HTTP status that says so. */
export class UploadError extends CodedError<{
  readonly code: 'upload-refused'
  readonly status: 400 | 404 | 409 | 507
}> {
  override readonly name = 'UploadError'

  constructor(status: UploadError['status'], message: string) {
    super({ code: 'upload-refused', status }, message)
  }

  get status(): 400 | 404 | 409 | 507 {
    return this.fault.status
  }
}

/** A signed manifest whose parts are being uploaded. */
interface Draft {
  readonly manifest: Manifest
  readonly dir: string
}

/** @param known what the server offers already: parts of it need not be uploaded again. */
export function createUploads(
  { token, dir }: UploadOptions,
  known: () => Releases | undefined,
): Uploads {
  const secret = createToken(token)
  const drafts = new Map<string, Draft>()

  /** Makes room for one more; an upload that was begun long ago and never finished gives way. */
  async function makeRoom(id: string): Promise<void> {
    const uploaded = known()?.list.filter((release) => release.dir.startsWith(dir)).length ?? 0
    if (uploaded >= UPLOADED_RELEASES_MAX) {
      throw new UploadError(
        507,
        `${uploaded} releases were uploaded; remove old ones from the server`,
      )
    }
    const [oldest] = drafts
    if (oldest === undefined || drafts.size < UPLOAD_DRAFTS_MAX || drafts.has(id)) return
    drafts.delete(oldest[0])
    await rm(oldest[1].dir, { recursive: true, force: true })
  }

  /** Parts that are not in the release's folder, nor anywhere else to be copied from. */
  async function missingOf({ manifest, dir: folder }: Draft): Promise<string[]> {
    const missing: string[] = []
    for (const { sha256, bytes } of filesOf(manifest)) {
      const path = partPath(folder, sha256)
      const found = await stat(path).catch(() => undefined)
      if (found?.size === bytes) continue
      const other = known()?.parts.get(sha256)
      if (other === undefined) missing.push(sha256)
      else await replaceFile(path, (draft) => copyFile(other.path, draft))
    }
    return [...new Set(missing)]
  }

  return {
    isAllowed: secret.isAllowed,

    async putManifest(id, bytes) {
      const manifest = checkedManifest(id, bytes)
      if (known()?.list.some((release) => release.id === id) === true) return { missing: [] }
      await makeRoom(id)
      const draft = { manifest, dir: join(dir, id) }
      await onDisk(() => mkdir(join(draft.dir, 'parts'), { recursive: true }))
      drafts.set(id, draft)
      const missing = await onDisk(() => missingOf(draft))
      if (missing.length > 0) return { missing }
      await onDisk(() =>
        replaceFile(join(draft.dir, 'manifest.json'), (path) =>
          write(path, [manifestBytes(manifest)]),
        ),
      )
      drafts.delete(id)
      return { missing: [], dir: draft.dir }
    },

    async putPart(sha256, content) {
      const [first, ...others] = placesOf(drafts, sha256)
      if (first === undefined) {
        throw new UploadError(404, 'no manifest names this part; send it first')
      }
      await onDisk(async () => {
        await replaceFile(first.path, (draft) => write(draft, content, { sha256, ...first }))
        for (const { path } of others)
          await replaceFile(path, (draft) => copyFile(first.path, draft))
      })
    },
  }
}

/** Where a part is welcome. */
function placesOf(
  drafts: ReadonlyMap<string, Draft>,
  sha256: string,
): { path: string; bytes: number }[] {
  return [...drafts.values()].flatMap(({ manifest, dir }) => {
    const part = filesOf(manifest).find((one) => one.sha256 === sha256)
    return part === undefined ? [] : [{ path: partPath(dir, sha256), bytes: part.bytes }]
  })
}

function checkedManifest(id: string, bytes: Uint8Array): Manifest {
  if (!isSha256(id)) throw new UploadError(400, 'a release is named by 64 lower-case hex digits')
  let manifest: Manifest
  try {
    manifest = parseManifest(bytes)
    verifyManifest(manifest)
  } catch (error) {
    if (error instanceof ModelError) throw new UploadError(400, error.message)
    throw error
  }
  if (releaseId(manifest) !== id) throw new UploadError(400, 'the manifest has another hash')
  const total = filesOf(manifest).reduce((sum, file) => sum + file.bytes, 0)
  if (total > UPLOAD_RELEASE_BYTES_MAX) {
    throw new UploadError(
      507,
      `the release has ${total} bytes; at most ${UPLOAD_RELEASE_BYTES_MAX} are taken`,
    )
  }
  return manifest
}

async function write(
  path: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  expected?: { readonly sha256: string; readonly bytes: number },
): Promise<void> {
  const file: FileHandle = await open(path, 'wx', 0o644)
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for await (const chunk of content) {
      bytes += chunk.length
      if (bytes > (expected?.bytes ?? bytes)) break
      hash.update(chunk)
      await file.writeFile(chunk)
    }
  } finally {
    await file.close()
  }
  if (expected === undefined) return
  if (bytes !== expected.bytes) {
    throw new UploadError(400, `the manifest says ${expected.bytes} bytes, and other bytes came`)
  }
  if (hash.digest('hex') !== expected.sha256) {
    throw new UploadError(400, 'the content does not have this hash')
  }
}

/** A full or read-only disk is told to who uploads; it is not a fault of the request. */
async function onDisk<R>(work: () => Promise<R>): Promise<R> {
  try {
    return await work()
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new UploadError(507, 'the disk is full')
    if (code === 'EROFS' || code === 'EACCES') {
      throw new UploadError(507, 'the folder of the uploads cannot be written to')
    }
    throw error
  }
}

/**
 * Folders of the releases that were uploaded whole, before this start. What was left of others gives way as it
 * does later on: the newest UPLOAD_DRAFTS_MAX stay, and go on when their manifest comes again.
 * @throws SignalingError `bad-option` when there is no such folder and none can be made.
 */
export async function uploadedDirs({ dir }: UploadOptions): Promise<string[]> {
  await makeFolder(dir).catch((error: unknown) => {
    throw new SignalingError(
      { code: 'bad-option', option: 'uploads' },
      `uploads cannot be kept in ${dir}: ${fileReason(error)}; it must be a folder that this user can write to`,
    )
  })
  const [dirs, unfinished]: [string[], { path: string; atMs: number }[]] = [[], []]
  for (const path of (await readdir(dir)).filter(isSha256).map((name) => join(dir, name))) {
    await removeDrafts(path)
    const whole = await stat(join(path, 'manifest.json')).catch(() => undefined)
    if (whole !== undefined) dirs.push(path)
    else unfinished.push({ path, atMs: (await stat(path)).mtimeMs })
  }
  const old = unfinished.sort((a, b) => b.atMs - a.atMs).slice(UPLOAD_DRAFTS_MAX)
  for (const { path } of old) await rm(path, { recursive: true, force: true })
  return dirs
}

/** What was being written when a server was killed. */
async function removeDrafts(release: string): Promise<void> {
  for (const folder of [release, join(release, 'parts')]) {
    const names = await readdir(folder).catch(() => [])
    for (const name of names.filter((one) => one.endsWith('.part')))
      await rm(join(folder, name), { force: true })
  }
}
