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
 * Makes a folder with those above it.
 * @throws Error of the file system that says what is in the way.
 */
export async function makeFolder(folder: string, mode?: number): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode })
  } catch (error) {
    throw (await whyNot(folder)) ?? error
  }
}

/** With `recursive`, Node says that a folder does not exist where the file system is read-only. */
async function whyNot(folder: string): Promise<unknown> {
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
