import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/**
 * Fills a new file beside `path` and gives it that name when it is whole and on the disk: renaming is atomic,
 * so a crash, a power cut or a full disk leaves no half-written and no empty file behind.
 * @throws whatever `fill` or the file system does; the draft is gone then.
 */
export async function replaceFile(
  path: string,
  fill: (draft: string) => Promise<void>,
): Promise<void> {
  const draft = `${path}.${randomUUID()}.part`
  try {
    await fill(draft)
    await flush(draft, 'r+')
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined) // the first error tells more
    throw error
  }
  // The new name itself. Some systems flush no folders, and keep names by themselves.
  await flush(dirname(path), 'r').catch(() => undefined)
}

async function flush(path: string, flags: string): Promise<void> {
  const file = await open(path, flags)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Makes a folder with those above it, one after the other: `mkdir` with `recursive` never ends where the file system
 * takes no folders (/proc), and says that a folder does not exist where it is read-only.
 * @throws Error of the file system that says what is in the way.
 */
export async function makeFolder(folder: string, mode?: number): Promise<void> {
  const missing = [resolve(folder)]
  for (let above = dirname(missing[0] as string); !(await isThere(above)); above = dirname(above))
    missing.unshift(above)
  for (const path of missing) await mkdir(path, { mode }).catch(unlessFolder(path))
}

/** Somebody else may have made it by now. */
function unlessFolder(path: string): (error: unknown) => Promise<void> {
  return async (error) => {
    const found = await stat(path).catch(() => undefined)
    if (found?.isDirectory() !== true) throw error
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}
