import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** What systems put beside pictures: macOS, Windows, Synology, a repaired disk. */
const JUNK = /^(\.|__MACOSX$|thumbs\.db$|desktop\.ini$|@eaDir$|\$RECYCLE\.BIN$|lost\+found$)/i

const SPLITS = [
  ['train', /^train(ing)?$/i],
  ['test', /^test(ing)?$/i],
  ['validation', /^val(id|idation)?$/i],
] as const

/** A part of a data set that has a folder of its own. */
type SplitKind = (typeof SPLITS)[number][0]

/** Which part of a data set a folder of this name holds; undefined for that of a class. */
export function splitOf(name: string): SplitKind | undefined {
  return SPLITS.find(([, pattern]) => pattern.test(name))?.[0]
}

/** What lies in a folder, links followed, without what systems put there. */
export interface FolderNames {
  readonly folders: readonly string[]
  readonly files: readonly string[]
  /** Links to nothing. */
  readonly broken: readonly string[]
}

/** Names in their order; all empty where the folder is not there. */
export async function namesIn(folder: string): Promise<FolderNames> {
  const [folders, files, broken]: [string[], string[], string[]] = [[], [], []]
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const { name } = entry
    if (JUNK.test(name)) continue
    const found = entry.isSymbolicLink()
      ? await stat(join(folder, name)).catch(() => undefined)
      : entry
    if (found === undefined) broken.push(name)
    else if (found.isDirectory()) folders.push(name)
    else if (found.isFile()) files.push(name)
  }
  return { folders: folders.toSorted(), files: files.toSorted(), broken: broken.toSorted() }
}
