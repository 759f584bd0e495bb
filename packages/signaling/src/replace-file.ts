import { randomUUID } from 'node:crypto'
import { rename, rm } from 'node:fs/promises'

/**
 * Fills a new file beside `path` and gives it that name when it is whole: renaming is atomic, so a crash or a
 * full disk leaves no half-written file behind.
 * @throws whatever `fill` or the file system does; the draft is gone then.
 */
export async function replaceFile(
  path: string,
  fill: (draft: string) => Promise<void>,
): Promise<void> {
  const draft = `${path}.${randomUUID()}.part`
  try {
    await fill(draft)
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}
