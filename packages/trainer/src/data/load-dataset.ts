import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { TrainerError } from '../errors.ts'
import { CIFAR_FILES, loadCifar } from './cifar.ts'
import type { Dataset } from './dataset.ts'
import { IDX_FILE, loadIdxData } from './idx-data.ts'
import { type ImageFolderOptions, loadImageFolder } from './image-folder.ts'

/** How pictures are read; undefined where there is nothing to decode them with. */
export type LoadOptions = { readonly pictures?: ImageFolderOptions | undefined }

/**
 * Reads the data set in a folder: the idx files of MNIST or Fashion-MNIST, the binary files of
 * CIFAR-10 or CIFAR-100, or pictures in a folder per class.
 * @throws TrainerError `missing-data` or `bad-data`, naming the file.
 */
export async function loadDataset(
  folder: string,
  { pictures }: LoadOptions = {},
): Promise<Dataset> {
  const found = await stat(folder).catch(() => undefined)
  if (found?.isDirectory() !== true) {
    throw new TrainerError(
      { code: 'missing-data', file: folder },
      `no data set in ${folder}, which is not a folder; install Debian's dataset-fashion-mnist or name the folder with --data`,
    )
  }
  if (await hasFile(folder, CIFAR_FILES['cifar-10'])) return loadCifar(folder, 'cifar-10')
  if (await hasFile(folder, CIFAR_FILES['cifar-100'])) return loadCifar(folder, 'cifar-100')
  const isIdx = (await hasFile(folder, IDX_FILE)) || (await hasFile(folder, `${IDX_FILE}.gz`))
  if (isIdx || pictures === undefined || !(await hasFolders(folder))) return loadIdxData(folder)
  return loadImageFolder(folder, basename(resolve(folder)), pictures)
}

async function hasFile(folder: string, name: string): Promise<boolean> {
  return (await stat(join(folder, name)).catch(() => undefined))?.isFile() === true
}

async function hasFolders(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.some((entry) => entry.isDirectory())
}
