import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { ModelError, parseIdx } from '@layerswarm/model'
import { TrainerError } from '../errors.ts'
import { failData, readOptional } from './data-file.ts'
import type { Dataset, LabelledImages } from './dataset.ts'

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
  mean: [0.286],
  std: [0.353],
} as const

/** MNIST: the digits, and mean and deviation of its training pixels. */
const MNIST = {
  name: 'mnist',
  labels: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  mean: [0.1307],
  std: [0.3081],
} as const

/** The two have the same files; the first labels of its training images tell MNIST. */
const MNIST_FIRST_LABELS = '5,0,4,1,9,2,1,3,1,4'

/** The names of the files without `.gz`, by which a folder of this kind is known. */
export const IDX_FILE = 'train-images-idx3-ubyte'

/**
 * Reads Fashion-MNIST or MNIST from the four idx files of a folder, each packed (`.gz`) or not.
 * @throws TrainerError `missing-data` or `bad-data`, naming the file.
 */
export async function loadIdxData(folder: string): Promise<Dataset> {
  const train = await readSplit(folder, 'train')
  const test = await readSplit(folder, 't10k')
  if (train.size !== test.size) {
    failData(folder, `training images are ${train.size} pixels wide and test images ${test.size}`)
  }
  const isMnist = train.images.labels.subarray(0, 10).join() === MNIST_FIRST_LABELS
  const about = isMnist ? MNIST : FASHION_MNIST
  const split = { train: train.images, test: test.images }
  return { ...about, channels: 1, imageSize: train.size, ...split }
}

async function readSplit(
  folder: string,
  split: 'train' | 't10k',
): Promise<{ size: number; images: LabelledImages }> {
  const images = await readIdx(folder, `${split}-images-idx3-ubyte`)
  const labels = await readIdx(folder, `${split}-labels-idx1-ubyte`)
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
  const classes = FASHION_MNIST.labels.length
  const wrong = labels.data.find((label) => label >= classes)
  if (wrong !== undefined)
    failData(labels.file, `label ${wrong} is not among the ${classes} classes`)
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
      if (error instanceof ModelError) failData(file, error.message)
      const reason = unpackFault(error)
      if (reason !== undefined) failData(file, reason)
      throw error
    }
  }
  throw new TrainerError(
    { code: 'missing-data', file: join(folder, name) },
    `no ${name} or ${name}.gz in ${folder}; install Debian's dataset-fashion-mnist or name the folder with --data`,
  )
}

/** What zlib found wrong, for a person; undefined for errors that are not zlib's. */
function unpackFault(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  if (typeof error.code !== 'string' || !error.code.startsWith('Z_')) return undefined
  if (error.code === 'Z_BUF_ERROR') return 'it is cut off; fetch it again'
  return `it is damaged or no gzip file (${error.message}); fetch it again`
}
