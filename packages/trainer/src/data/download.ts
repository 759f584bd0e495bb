import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isSha256 } from '@layerswarm/model'
import { TrainerError } from '../errors.ts'
import { cannotWrite, makeFolder } from '../files.ts'
import { DOWNLOAD_BYTES_MAX, SOURCES_MAX } from '../limits.ts'

/** One file of a data set and where it comes from. */
export interface DataSource {
  /** Its name in the folder of the data set. */
  readonly name: string
  /** http or https. */
  readonly url: string
  readonly sha256: string
}

/** What a download tells, and how it is stopped. */
export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined
  /** Told about every file that is fetched. */
  onFile(source: DataSource): void
}

/**
 * Reads a list of sources, `{"files": [{"name", "url", "sha256"}, …]}`.
 * @throws TrainerError `bad-sources` naming the field.
 */
export async function readSources(file: string): Promise<DataSource[]> {
  const fail = (message: string): never => {
    throw new TrainerError({ code: 'bad-sources', file }, `${file}: ${message}`)
  }
  const text = await readFile(file, 'utf8').catch(() => fail('it cannot be read'))
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return fail('it is not JSON')
  }
  const files = fieldOf(value, 'files')
  if (!Array.isArray(files) || files.length < 1 || files.length > SOURCES_MAX) {
    return fail(`"files" must be a list of 1 to ${SOURCES_MAX} sources`)
  }
  return files.map((entry: unknown, index) => {
    const [name, url, sha256] = ['name', 'url', 'sha256'].map((field) => fieldOf(entry, field))
    if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name)) {
      return fail(`"files.${index}.name" must be a plain file name`)
    }
    if (typeof url !== 'string' || !URL.canParse(url) || !/^https?:/.test(url)) {
      return fail(`"files.${index}.url" must be an http or https address`)
    }
    if (!isSha256(sha256)) return fail(`"files.${index}.sha256" must be 64 lower-case hex digits`)
    return { name, url, sha256 }
  })
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? Object(value)[field] : undefined
}

/**
 * Fetches the files that a folder does not have yet, or has damaged. A file gets its name when its
 * hash is right; until then it has another.
 * @returns how many files were fetched.
 * @throws TrainerError `bad-download` naming the address, `cannot-write`; the signal's reason.
 */
export async function downloadData(
  sources: readonly DataSource[],
  folder: string,
  { signal, onFile }: DownloadOptions,
): Promise<number> {
  await makeFolder(folder)
  let fetched = 0
  for (const source of sources) {
    const file = join(folder, source.name)
    if ((await hashOf(file)) === source.sha256) continue
    onFile(source)
    await fetchFile(source, file, signal)
    fetched += 1
  }
  return fetched
}

/** SHA-256 of a file, undefined when it cannot be read. */
async function hashOf(file: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk)
    return hash.digest('hex')
  } catch {
    return undefined
  }
}

async function fetchFile(
  { url, sha256 }: DataSource,
  file: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const draft = `${file}.${randomUUID()}.part`
  const target = await open(draft, 'wx').catch((error: unknown) => {
    throw cannotWrite(file, error)
  })
  try {
    const actual = await receive(url, target, signal)
    if (actual !== sha256) fail(url, `what came has the hash ${actual}, not ${sha256}`)
    await rename(draft, file)
  } finally {
    await target.close()
    await rm(draft, { force: true })
  }
}

function fail(url: string, reason: string): never {
  throw new TrainerError({ code: 'bad-download', url }, `${url}: ${reason}`)
}

/** Writes what an address gives into a file. @returns its SHA-256. */
async function receive(
  url: string,
  target: FileHandle,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of contentOf(url, signal)) {
    bytes += chunk.length
    if (bytes > DOWNLOAD_BYTES_MAX) fail(url, `it is longer than ${DOWNLOAD_BYTES_MAX} bytes`)
    hash.update(chunk)
    await target.writeFile(chunk).catch((error: unknown) => {
      throw cannotWrite('the download', error)
    })
  }
  return hash.digest('hex')
}

async function* contentOf(
  url: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    const response = await fetch(url, signal === undefined ? {} : { signal })
    if (!response.ok || response.body === null) {
      await response.body?.cancel()
      fail(url, `the server answered ${response.status}`)
    }
    const reader = response.body.getReader()
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value
    } finally {
      // Whoever stops listening in the middle does not wait for the rest.
      await reader.cancel().catch(() => undefined)
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof TrainerError) throw error
    const cause: unknown = error instanceof Error ? (error.cause ?? error) : error
    fail(url, `it broke off (${cause instanceof Error ? cause.message : String(cause)})`)
  }
}
