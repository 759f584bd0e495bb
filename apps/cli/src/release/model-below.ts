import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exists } from '../files.ts'

/**
 * The folder below one in which a model lies that was looked for above it: a snapshot in the cache of the Hub
 * (`models--google--vit/snapshots/<revision>`), or what an archive was unpacked to.
 * @param files by any of which it is known.
 * @returns undefined where there is none.
 */
export async function modelBelow(
  folder: string,
  files: readonly string[],
): Promise<string | undefined> {
  const children = await foldersIn(folder)
  const caches = children.filter((name) => name.startsWith('models--'))
  const places = [
    ...(await snapshotsIn(folder)),
    ...(await Promise.all(caches.map((name) => snapshotsIn(join(folder, name))))).flat(),
    ...children.map((name) => join(folder, name)),
  ]
  for (const place of places) {
    for (const file of files) if (await exists(join(place, file))) return place
  }
  return undefined
}

/** Revisions that the cache holds of one model, the one that "main" means first. */
async function snapshotsIn(folder: string): Promise<string[]> {
  const snapshots = join(folder, 'snapshots')
  const main = await readFile(join(folder, 'refs', 'main'), 'utf8').catch(() => '')
  const revisions = await foldersIn(snapshots)
  return revisions
    .toSorted((a, b) => Number(b === main.trim()) - Number(a === main.trim()))
    .map((revision) => join(snapshots, revision))
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
  return folders.map(({ name }) => name).toSorted()
}
