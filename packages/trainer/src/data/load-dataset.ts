import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { TrainerError } from '../errors.ts'
import { WRAPPING_FOLDERS_MAX } from '../limits.ts'
import { CIFAR_FILES, loadCifar } from './cifar.ts'
import { failData } from './data-file.ts'
import type { Dataset } from './dataset.ts'
import { namesIn, splitOf } from './folder-names.ts'
import { FASHION_MNIST_DIR, hasIdxFiles, isIdxName, loadIdxData } from './idx-data.ts'
import { type ImageFolderOptions, loadImageFolder } from './image-folder.ts'
import { isPictureName } from './picture-type.ts'
import { refuseFolder } from './unread-folder.ts'

/** How a data set is read. */
export interface LoadOptions {
  /** How pictures are read; undefined where there is nothing to decode them with. */
  readonly pictures?: ImageFolderOptions | undefined
  /** Ends the reading, which may take minutes. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads the data set in a folder: the idx files of MNIST and its kin, the binary files of CIFAR-10
 * or CIFAR-100, or pictures in a folder per class. Folders that hold nothing but one other, as
 * archives make them, are gone through.
 * @throws TrainerError `missing-data` or `bad-data`, naming the file or what was found instead;
 * what the signal was aborted with.
 */
export async function loadDataset(folder: string, options: LoadOptions = {}): Promise<Dataset> {
  const found = await stat(folder).catch(() => undefined)
  if (found?.isDirectory() !== true) {
    const what = found === undefined ? 'is not there' : 'is a file, not a folder'
    const advice =
      folder === FASHION_MNIST_DIR
        ? "; install Debian's dataset-fashion-mnist or name a folder with --data"
        : ''
    throw new TrainerError(
      { code: 'missing-data', file: folder },
      `no data set in ${folder}, which ${what}${advice}`,
    )
  }
  return loadFound(await unwrapped(folder), basename(resolve(folder)), options)
}

async function loadFound(
  folder: string,
  name: string,
  { pictures, signal }: LoadOptions,
): Promise<Dataset> {
  const names = await namesIn(folder)
  for (const version of ['cifar-10', 'cifar-100'] as const) {
    if (!names.files.includes(CIFAR_FILES[version])) continue
    refuseSize(folder, 'CIFAR', pictures)
    return loadCifar(folder, version)
  }
  if (await hasIdxFiles(folder)) {
    refuseSize(folder, 'idx', pictures)
    return loadIdxData(folder, name)
  }
  if (names.folders.length === 0 || pictures === undefined) return refuseFolder(folder, names)
  return loadImageFolder(folder, name, pictures, signal)
}

/** @throws TrainerError `bad-data` where a size was named for what is taken as it is. */
function refuseSize(folder: string, kind: string, pictures: LoadOptions['pictures']): void {
  if (pictures?.isSizeNamed !== true) return
  failData(
    folder,
    `it holds ${kind} files, whose images keep the size that they have; leave out --size, which is for pictures in folders`,
  )
}

function isCifarName(name: string): boolean {
  return Object.values<string>(CIFAR_FILES).includes(name)
}

/** Past folders in which there is only one other that is neither a class nor a split. */
async function unwrapped(folder: string): Promise<string> {
  let place = folder
  for (let depth = 0; depth < WRAPPING_FOLDERS_MAX; depth++) {
    const { folders, files } = await namesIn(place)
    const [only, ...others] = folders
    const isData = files.some((name) => isPictureName(name) || isIdxName(name) || isCifarName(name))
    if (only === undefined || others.length > 0 || isData || splitOf(only) !== undefined) break
    const inside = await namesIn(join(place, only))
    if (inside.files.some(isPictureName) || inside.folders.length + inside.files.length === 0) break
    place = join(place, only)
  }
  return place
}
