import { constants } from 'node:fs'
import { access, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TrainerError } from './errors.ts'
import { cannotWrite, makeFolder } from './files.ts'

/**
 * Makes a folder that results can be written into, before hours go into them.
 * @param bytes what they will need at most.
 * @throws TrainerError `cannot-write`; a folder that was made for nothing is gone then.
 */
export async function openOutputFolder(folder: string, bytes: number): Promise<void> {
  let free: number
  const made = await makeFolder(folder)
  try {
    await access(folder, constants.W_OK)
    const { bavail, bsize } = await statfs(folder)
    free = bavail * bsize
  } catch (error) {
    throw cannotWrite(folder, error)
  }
  if (free < bytes) {
    if (made !== undefined) await rm(made, { recursive: true, force: true })
    const megabytes = (count: number): string => (count / 1e6).toFixed(1)
    throw new TrainerError(
      { code: 'cannot-write', file: folder },
      `${folder} has ${megabytes(free)} MB left and ${megabytes(bytes)} are needed; choose another folder or make room`,
    )
  }
}

/**
 * Makes the folder that a file of results can be written into, before hours go into it.
 * @param bytes what it will need at most.
 * @param example what a file of this kind may be called.
 * @throws TrainerError `cannot-write`, for the name of a folder as well.
 */
export async function openOutputFile(file: string, bytes: number, example: string): Promise<void> {
  const found = await stat(file).catch(() => undefined)
  if (found?.isDirectory() === true || /[/\\]$/.test(file)) {
    throw new TrainerError(
      { code: 'cannot-write', file },
      `${file} is a folder; name a file in it, such as ${join(file, example)}`,
    )
  }
  await openOutputFolder(dirname(file), bytes)
}
