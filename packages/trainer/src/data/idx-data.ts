import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { foreignFile, ModelError, parseIdx } from '@layerswarm/model'
import { TrainerError } from '../errors.ts'
import { KNOWN_MEAN_DIFFERENCE_MAX } from '../limits.ts'
import { CUT_OFF, failData, readOptional } from './data-file.ts'
import type { Dataset, LabelledImages } from './dataset.ts'
import { namesIn } from './folder-names.ts'
import { pixelStatistics } from './pixel-statistics.ts'

/** Where Debian's package `dataset-fashion-mnist` installs its files. */
export const FASHION_MNIST_DIR = '/usr/share/datasets/fashion-mnist'

/** A set that is known by its content: the first labels of its training images, and their pixels. */
interface KnownSet {
  readonly name: string
  readonly firstLabels: readonly number[]
  readonly labels: readonly string[]
  /** Mean and deviation of all its training pixels, 0 … 1. */
  readonly mean: readonly [number]
  readonly std: readonly [number]
}

/** Fashion-MNIST (arXiv 1708.07747) and MNIST, which have files of the same names as many others. */
const KNOWN_SETS: readonly KnownSet[] = [
  {
    name: 'fashion-mnist',
    firstLabels: [9, 0, 0, 3, 0, 2, 7, 2, 5, 5],
    labels: [
      'T-shirt/top',
      'Trouser',
      'Pullover',
      'Dress',
      'Coat',
      'Sandal',
      'Shirt',
      'Sneaker',
      'Bag',
      'Ankle boot',
    ],
    mean: [0.286],
    std: [0.353],
  },
  {
    name: 'mnist',
    firstLabels: [5, 0, 4, 1, 9, 2, 1, 3, 1, 4],
    labels: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    mean: [0.1307],
    std: [0.3081],
  },
]

/** Prefix, split and kind: unpacking gives dots for dashes, and EMNIST has a word of its own before. */
const IDX_NAME = /^(.*?)(train|t10k|test)-(images|labels)[-.]idx[13]-ubyte(\.gz)?$/i

/** Whether a file is called like one of MNIST's. */
export function isIdxName(name: string): boolean {
  return IDX_NAME.test(name)
}

/** Whether a folder has files of the names of MNIST's. */
export async function hasIdxFiles(folder: string): Promise<boolean> {
  const { files, folders } = await namesIn(folder)
  return [...files, ...folders].some(isIdxName)
}

/**
 * Reads the four idx files of a folder, each packed (`.gz`) or not: Fashion-MNIST or MNIST, known
 * by what is in them, or any other set, whose classes are then called by their numbers and whose
 * pixels are measured.
 * @param name of a set that is not known.
 * @throws TrainerError `missing-data` or `bad-data`, naming the file.
 */
export async function loadIdxData(folder: string, name: string): Promise<Dataset> {
  const places = await idxPlaces(folder)
  const train = await readSplit(folder, places, 'train')
  const test = await readSplit(folder, places, 't10k')
  if (train.size !== test.size) {
    failData(folder, `training images are ${train.size} pixels wide and test images ${test.size}`)
  }
  const measured = pixelStatistics(train.images.pixels, 1)
  const known = KNOWN_SETS.find(
    ({ firstLabels, mean: [mean] }) =>
      firstLabels.every((label, image) => train.images.labels[image] === label) &&
      Math.abs(mean - (measured.mean[0] ?? 0)) < KNOWN_MEAN_DIFFERENCE_MAX,
  )
  const classes = known?.labels.length ?? 1 + Math.max(train.labelMax, test.labelMax)
  for (const { labelMax, labelFile } of [train, test]) {
    if (labelMax >= classes) {
      failData(labelFile, `label ${labelMax} is not among the ${classes} classes`)
    }
  }
  const { firstLabels: _, ...about } = known ?? {
    ...{ name, firstLabels: [], ...measured },
    labels: Array.from({ length: Math.max(2, classes) }, (_, label) => String(label)),
  }
  const split = { train: train.images, test: test.images }
  return { ...about, channels: 1, imageSize: train.size, ...split }
}

type Split = 'train' | 't10k'
/** Where each file lies, by "split-kind". */
type IdxPlaces = ReadonlyMap<string, string>

/** The files of one set: where there are several, by their prefix, it is not known which is meant. */
async function idxPlaces(folder: string): Promise<IdxPlaces> {
  const places = new Map<string, string>()
  const prefixes = new Set<string>()
  const { files, folders } = await namesIn(folder)
  for (const name of [...files, ...folders]) {
    const [, prefix = '', split = '', kind = ''] = IDX_NAME.exec(name) ?? []
    if (kind === '') continue
    const path = await fileAt(join(folder, name), files.includes(name))
    const key = `${split.toLowerCase() === 'train' ? 'train' : 't10k'}-${kind.toLowerCase()}`
    prefixes.add(prefix)
    // The unpacked one, where a file lies there twice.
    if (path !== undefined && (!places.has(key) || !path.endsWith('.gz'))) places.set(key, path)
  }
  if (prefixes.size > 1) {
    const [first = '', second = ''] = prefixes
    failData(
      folder,
      `it holds ${prefixes.size} sets ("${first}train-…", "${second}train-…"); put the one that is meant into a folder of its own`,
    )
  }
  return places
}

/** Some archives give every file a folder of its own name. */
async function fileAt(path: string, isFile: boolean): Promise<string | undefined> {
  if (isFile) return path
  const { files } = await namesIn(path)
  const inside = files.find(isIdxName)
  return inside === undefined ? undefined : join(path, inside)
}

async function readSplit(
  folder: string,
  places: IdxPlaces,
  split: Split,
): Promise<{ size: number; images: LabelledImages; labelMax: number; labelFile: string }> {
  const images = await readIdx(folder, places, `${split}-images`, 'idx3-ubyte')
  const labels = await readIdx(folder, places, `${split}-labels`, 'idx1-ubyte')
  const [count = 0, height = 0, width = 0] = images.shape
  if (images.shape.length !== 3 || height !== width || count === 0) {
    failData(images.file, `shape [${images.shape}] is not (N, H, H), square grey images`)
  }
  if (labels.shape.length !== 1 || labels.shape[0] !== count) {
    failData(
      labels.file,
      `shape [${labels.shape}] does not label the ${count} images of ${images.file}`,
    )
  }
  return {
    size: height,
    images: { count, pixels: images.data, labels: labels.data },
    labelMax: labels.data.reduce((most, label) => Math.max(most, label), 0),
    labelFile: labels.file,
  }
}

async function readIdx(
  folder: string,
  places: IdxPlaces,
  which: string,
  end: string,
): Promise<{ file: string; shape: readonly number[]; data: Uint8Array }> {
  const file = places.get(which)
  const stored = file === undefined ? undefined : await readOptional(file)
  if (file === undefined || stored === undefined) {
    throw new TrainerError(
      { code: 'missing-data', file: join(folder, `${which}-${end}`) },
      `no ${which}-${end} or ${which}-${end}.gz in ${folder} beside the others; fetch it too`,
    )
  }
  const isPacked = file.endsWith('.gz')
  const foreign = isPacked && stored[0] === 0x1f ? undefined : foreignFile(stored)
  if (foreign !== undefined) failData(file, `it is ${foreign}`)
  if (isPacked && isIdx(stored)) {
    const name = basename(file).slice(0, -'.gz'.length)
    failData(file, `it is not packed, though its name ends in .gz: rename it to ${name}`)
  }
  const bytes = isPacked ? await unpacked(file, stored) : stored
  if (bytes.length === 0) failData(file, 'it is empty; copy or download it again')
  try {
    return { file, ...parseIdx(bytes) }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    failData(file, isCutOff(bytes) ? `${error.message}; it ${CUT_OFF}` : error.message)
  }
}

/** Whether a file begins as idx files of unsigned bytes do. */
function isIdx([first, second, type]: Uint8Array): boolean {
  return first === 0 && second === 0 && type === 0x08
}

/** Whether a file ends before what its header says: two zero bytes, type, rank and one uint32 per dimension. */
function isCutOff(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 4 || view.getUint16(0) !== 0) return false
  const rank = view.getUint8(3)
  const start = 4 + 4 * rank
  if (bytes.length < start) return true
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  return bytes.length < start + shape.reduce((product, size) => product * size, 1)
}

async function unpacked(file: string, stored: Uint8Array): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(stored)
  } catch (error) {
    // zlib says what is wrong; anything else is a bug and stays as it is.
    const reason = unpackFault(error)
    if (reason !== undefined) failData(file, reason)
    throw error
  }
}

/** What zlib found wrong, for a person; undefined for errors that are not zlib's. */
function unpackFault(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  if (typeof error.code !== 'string' || !error.code.startsWith('Z_')) return undefined
  if (error.code === 'Z_BUF_ERROR') return `it ${CUT_OFF}`
  return `it is damaged or no gzip file (${error.message}); fetch it again`
}
