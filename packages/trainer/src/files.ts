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
 * Makes a folder with those above it, one after the other: `mkdir` with `recursive` never ends where the file system
 * takes no folders (/proc), and says that a folder does not exist where it is read-only.
 * @returns the first one that was not there before, undefined if all were.
 * @throws TrainerError `cannot-write`.
 */
export async function makeFolder(folder: string): Promise<string | undefined> {
  const missing = [resolve(folder)]
  for (let above = dirname(missing[0] as string); !(await isThere(above)); above = dirname(above))
    missing.unshift(above)
  const made: string[] = []
  for (const path of missing) if (await makeOne(path, folder)) made.push(path)
  return made[0]
}

/** @returns whether it was not there. */
async function makeOne(path: string, folder: string): Promise<boolean> {
  try {
    await mkdir(path)
    return true
  } catch (error) {
    const found = await stat(path).catch(() => undefined)
    if (found?.isDirectory() !== true) throw cannotWrite(folder, error)
    return false
  }
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
