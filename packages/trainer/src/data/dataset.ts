import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { ModelError, parseIdx } from '@layerswarm/model'
import { TrainerError } from '../errors.ts'

/** Grey images with their classes. */
export interface LabelledImages {
  readonly count: number
  /** (count, size, size) raw pixels, 0 … 255. */
  readonly pixels: Uint8Array
  /** (count) class of each image. */
  readonly labels: Uint8Array
}

/** A data set of square grey images and how its pixels become inputs. */
export interface Dataset {
  readonly name: string
  /** Height and width of the images, pixels. */
  readonly imageSize: number
  readonly labels: readonly string[]
  /** Inputs are (pixel / 255 − mean) / std. */
  readonly mean: number
  readonly std: number
  readonly train: LabelledImages
  readonly test: LabelledImages
}

/** Where Debian's package `dataset-fashion-mnist` installs its files. */
export const FASHION_MNIST_DIR = '/usr/share/datasets/fashion-mnist'

/** Fashion-MNIST (arXiv 1708.07747): classes, and mean and deviation of its training pixels. */
const FASHION_MNIST = {
  name: 'fashion-mnist',
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
  mean: 0.286,
  std: 0.353,
} as const

/**
 * Reads Fashion-MNIST from the four idx files of a folder, each packed (`.gz`) or not.
 * @throws TrainerError `missing-data` or `bad-data`, naming the file.
 */
export async function loadFashionMnist(folder: string = FASHION_MNIST_DIR): Promise<Dataset> {
  const classes = FASHION_MNIST.labels.length
  const train = await readSplit(folder, 'train', classes)
  const test = await readSplit(folder, 't10k', classes)
  if (train.size !== test.size) {
    fail(folder, `training images are ${train.size} pixels wide and test images ${test.size}`)
  }
  return { ...FASHION_MNIST, imageSize: train.size, train: train.images, test: test.images }
}

function fail(file: string, message: string): never {
  throw new TrainerError({ code: 'bad-data', file }, `${file}: ${message}`)
}

async function readSplit(
  folder: string,
  split: 'train' | 't10k',
  classes: number,
): Promise<{ size: number; images: LabelledImages }> {
  const images = await readIdx(folder, `${split}-images-idx3-ubyte`)
  const labels = await readIdx(folder, `${split}-labels-idx1-ubyte`)
  const [count = 0, height = 0, width = 0] = images.shape
  if (images.shape.length !== 3 || height !== width || count === 0) {
    fail(images.file, `shape [${images.shape}] is not (N, H, H), square grey images`)
  }
  if (labels.shape.length !== 1 || labels.shape[0] !== count) {
    fail(
      labels.file,
      `shape [${labels.shape}] does not label the ${count} images of ${images.file}`,
    )
  }
  const wrong = labels.data.find((label) => label >= classes)
  if (wrong !== undefined) fail(labels.file, `label ${wrong} is not among the ${classes} classes`)
  return { size: height, images: { count, pixels: images.data, labels: labels.data } }
}

async function readIdx(
  folder: string,
  name: string,
): Promise<{ file: string; shape: readonly number[]; data: Uint8Array }> {
  for (const file of [join(folder, name), join(folder, `${name}.gz`)]) {
    const stored = await readOptional(file)
    if (stored === undefined) continue
    try {
      const bytes = file.endsWith('.gz') ? await promisify(gunzip)(stored) : stored
      return { file, ...parseIdx(bytes) }
    } catch (error) {
      // zlib and the parser say what is wrong; anything else is a bug and stays as it is.
      if (error instanceof ModelError || isZlibError(error)) fail(file, error.message)
      throw error
    }
  }
  throw new TrainerError(
    { code: 'missing-data', file: join(folder, name) },
    `no ${name} or ${name}.gz in ${folder}; install Debian's dataset-fashion-mnist or name the folder with --data`,
  )
}

function isZlibError(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false
  return typeof error.code === 'string' && error.code.startsWith('Z_')
}

async function readOptional(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    fail(file, `cannot be read (${error instanceof Error ? error.message : error})`)
  }
}

/** Images `start` … `end` of a split; views, not copies. */
export function sliceImages(
  { pixels, labels, count }: LabelledImages,
  start: number,
  end: number,
): LabelledImages {
  const size = pixels.length / count
  return {
    count: end - start,
    pixels: pixels.subarray(start * size, end * size),
    labels: labels.subarray(start, end),
  }
}
