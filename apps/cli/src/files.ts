import { readdir, readFile, stat } from 'node:fs/promises'
import { foreignFile } from '@layerswarm/model'
import { CliError } from './cli-error.ts'
import { JSON_BYTES_MAX } from './limits.ts'

/** Reads a file of at most `bytesMax`. @throws CliError `not-found` or `bad-file`. */
export async function readBounded(path: string, bytesMax: number): Promise<Uint8Array> {
  await requireFile(path, bytesMax)
  return readFile(path)
}

/** A file of at most `bytesMax` that is there. @throws CliError `not-found` or `bad-file`. */
export async function requireFile(path: string, bytesMax: number): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw new CliError({ code: 'not-found', path }, missingFile(path))
  if (!found.isFile()) throw new CliError({ code: 'bad-file', path }, `${path} is not a file`)
  if (found.size > bytesMax) {
    throw new CliError(
      { code: 'bad-file', path },
      `${path} has ${found.size} bytes; at most ${bytesMax} are read`,
    )
  }
}

/** What a name says that leads to nothing. */
function missingFile(path: string): string {
  if (path === '') return 'an empty name is no file'
  if (/^https?:\/\//i.test(path)) return `${path} is an address; download it and name the file`
  if (/^file:\/\//i.test(path)) return `${path} is an address; name the file by its path`
  return `${path} does not exist`
}

/** Reads a JSON file. @throws CliError `not-found` or `bad-file`. */
export async function readJson(path: string): Promise<unknown> {
  return parseJson(path, await readBounded(path, JSON_BYTES_MAX))
}

/** The JSON in the bytes of a file. @throws CliError `bad-file`. */
export function parseJson(path: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new CliError({ code: 'bad-file', path }, `${path} ${noJson(bytes)}`)
  }
}

/** What bytes are that are no JSON, as the end of a line. */
function noJson(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'is empty, not JSON; copy or download it again'
  const foreign = foreignFile(bytes)
  return foreign === undefined ? 'is not JSON; it may be cut off' : `is not JSON: it is ${foreign}`
}

/** Whether a file or folder is there. */
export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

/** The names in a folder, in their order. @throws CliError `not-found` or `bad-file`. */
export async function listFolder(path: string): Promise<string[]> {
  await requireFolder(path)
  return (await readdir(path)).toSorted()
}

/** A folder that is there. @throws CliError `not-found` or `bad-file`. */
export async function requireFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw new CliError({ code: 'not-found', path }, `${path} does not exist`)
  if (!found.isDirectory())
    throw new CliError({ code: 'bad-file', path }, `${path} is not a folder`)
}
