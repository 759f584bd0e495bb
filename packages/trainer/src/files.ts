import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileReason } from '@layerswarm/model'
import { TrainerError } from './errors.ts'

/**
 * Replaces a file in one step: whoever reads it sees the old or the new content, never a part.
 * @throws TrainerError `cannot-write`; nothing is left behind then.
 */
export async function replaceFile(file: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    await writeFile(temporary, content)
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined) // the first error tells more
    throw cannotWrite(file, error)
  }
}

/**
 * Makes a folder with those above it.
 * @returns the first one that was not there before, undefined if all were.
 * @throws TrainerError `cannot-write`.
 */
export async function makeFolder(folder: string): Promise<string | undefined> {
  try {
    return await mkdir(folder, { recursive: true })
  } catch (error) {
    throw cannotWrite(folder, (await reasonOf(folder)) ?? error)
  }
}

/** With `recursive`, Node says that a folder does not exist where the file system is read-only. */
async function reasonOf(folder: string): Promise<unknown> {
  let missing = resolve(folder)
  while (!(await isThere(dirname(missing)))) missing = dirname(missing)
  return mkdir(missing).then(
    () => undefined,
    (error: unknown) => error,
  )
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

/** One clear line about a failed write. */
export function cannotWrite(file: string, error: unknown): TrainerError {
  return new TrainerError(
    { code: 'cannot-write', file },
    `${file} cannot be written: ${fileReason(error)}`,
  )
}

/** JSON as people read it, with a final line break. */
export function prettyJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
