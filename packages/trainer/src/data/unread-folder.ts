import { basename, join } from 'node:path'
import { TrainerError } from '../errors.ts'
import { FOUND_NAMES_MAX } from '../limits.ts'
import { failData } from './data-file.ts'
import { counted } from './faults.ts'
import type { FolderNames } from './folder-names.ts'
import { isPictureName } from './picture-type.ts'

/** Data sets in files that are not read: by their names, what they are and what to do. */
const UNREAD: readonly (readonly [name: RegExp, what: string])[] = [
  [
    /^(data_batch_1|test_batch)$/,
    'is CIFAR-10 as pickles of Python, which could run code; take its binary version, cifar-10-binary.tar.gz',
  ],
  [
    /^(train|meta)$/,
    'is CIFAR-100 as pickles of Python, which could run code; take its binary version, cifar-100-binary.tar.gz',
  ],
  [/\.(zip|tar|tgz|tar\.(gz|xz|bz2)|7z|rar)$/i, 'is an archive; unpack it first'],
  [
    /\.np[yz]$/i,
    'holds arrays of NumPy, which are not read; save them as idx files or as pictures',
  ],
  [/\.(csv|tsv)$/i, 'is a table, which is not read; save its images as idx files or as pictures'],
  [
    /\.(pkl|pickle|pt|pth)$/i,
    'is a pickle of Python, which could run code; save its images as pictures',
  ],
  [
    /\.(parquet|arrow|tfrecords?(-\d+-of-\d+)?|h5|hdf5|mat|lmdb|mdb|rec)$/i,
    'is a table or a store of records, which is not read; save its images as pictures',
  ],
]

const READ =
  'what is read: idx files (train-images-idx3-ubyte and its three kin), the binary version of CIFAR-10 or CIFAR-100, or pictures in a folder per class'

/**
 * Says what lies in a folder in which there is no data set that is read.
 * @throws TrainerError `missing-data` or `bad-data`, always.
 */
export function refuseFolder(folder: string, { files, folders }: FolderNames): never {
  const fail = (message: string): never => {
    throw new TrainerError({ code: 'missing-data', file: folder }, `${folder}: ${message}`)
  }
  if (files.some(isPictureName) && folders.length === 0) failFlat(folder, files)
  const unread = unreadAmong(files)
  if (unread !== undefined) fail(unread)
  const names = [...folders.map((name) => `${name}/`), ...files]
  if (names.length === 0) return fail(`it is empty; ${READ}`)
  return fail(`no data set in it, only ${namesTold(names)}; ${READ}`)
}

/** What the first file of a data set that is not read is, and what to do; undefined where none is known. */
export function unreadAmong(files: readonly string[]): string | undefined {
  for (const [pattern, what] of UNREAD) {
    const name = files.find((file) => pattern.test(file))
    if (name !== undefined) return `${name} ${what}`
  }
  return undefined
}

/** The first names, and how many more there are. */
export function namesTold(names: readonly string[]): string {
  const shown = names.slice(0, FOUND_NAMES_MAX).join(', ')
  const more = names.length - FOUND_NAMES_MAX
  return more > 0 ? `${shown} and ${more} more` : shown
}

/** @throws TrainerError `bad-data`, for pictures whose classes nothing tells. */
function failFlat(folder: string, files: readonly string[]): never {
  const pictures = files.filter(isPictureName)
  const [first = 'cat.1.jpg'] = pictures
  const word = /^\p{L}+/u.exec(basename(first))?.[0] ?? 'cat'
  return failData(
    folder,
    `it holds ${counted(pictures.length, 'picture')} and no class folders; put those of a class into a folder of its name, as ${join(folder, word, first)}`,
  )
}
