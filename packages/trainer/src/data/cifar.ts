import { join } from 'node:path'
import { foreignFile } from '@layerswarm/model'
import { TrainerError } from '../errors.ts'
import { CUT_OFF, failData, readOptional } from './data-file.ts'
import type { Dataset, LabelledImages } from './dataset.ts'

/** Height and width of the images, pixels. */
const CIFAR_SIZE = 32
const CIFAR_CHANNELS = 3
const CIFAR_PIXELS = CIFAR_SIZE * CIFAR_SIZE

/** One of the two binary versions: https://www.cs.toronto.edu/~kriz/cifar.html */
interface CifarVersion {
  readonly name: string
  readonly trainFiles: readonly string[]
  readonly testFile: string
  readonly labelFile: string
  readonly classes: number
  /** Bytes before the pixels of an image; the last one is its class. */
  readonly labelBytes: number
  /** Mean and deviation of the training pixels, by channel. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

const CIFAR_10: CifarVersion = {
  name: 'cifar-10',
  trainFiles: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
  testFile: 'test_batch.bin',
  labelFile: 'batches.meta.txt',
  classes: 10,
  labelBytes: 1,
  mean: [0.4914, 0.4822, 0.4465],
  std: [0.247, 0.2435, 0.2616],
}

const CIFAR_100: CifarVersion = {
  name: 'cifar-100',
  trainFiles: ['train.bin'],
  testFile: 'test.bin',
  labelFile: 'fine_label_names.txt',
  classes: 100,
  // The coarse class, of twenty, stands before the fine one.
  labelBytes: 2,
  mean: [0.5071, 0.4865, 0.4409],
  std: [0.2673, 0.2564, 0.2762],
}

/** Files by which a folder of CIFAR-10 or CIFAR-100 is known. */
export const CIFAR_FILES = { 'cifar-10': 'data_batch_1.bin', 'cifar-100': 'train.bin' } as const

/**
 * Reads the binary version of CIFAR-10 or CIFAR-100 from an unpacked folder.
 * @throws TrainerError `missing-data` or `bad-data`, naming the file.
 */
export async function loadCifar(
  folder: string,
  version: keyof typeof CIFAR_FILES,
): Promise<Dataset> {
  const about = version === 'cifar-10' ? CIFAR_10 : CIFAR_100
  const { name, mean, std } = about
  const labels = await readLabels(folder, about)
  const batches: LabelledImages[] = []
  for (const file of about.trainFiles) batches.push(await readBatch(folder, file, about))
  const test = await readBatch(folder, about.testFile, about)
  return {
    name,
    labels,
    imageSize: CIFAR_SIZE,
    channels: CIFAR_CHANNELS,
    mean,
    std,
    train: concatenated(batches),
    test,
  }
}

async function readFileOf(folder: string, name: string): Promise<Uint8Array> {
  const file = join(folder, name)
  const bytes = await readOptional(file)
  if (bytes === undefined) {
    throw new TrainerError(
      { code: 'missing-data', file },
      `no ${name} in ${folder}; unpack the binary version of CIFAR there`,
    )
  }
  // None of what is known begins with the number of a class, or like a list of names.
  const foreign = foreignFile(bytes)
  if (foreign !== undefined) failData(file, `it is ${foreign}`)
  if (bytes.length === 0) failData(file, 'it is empty; copy or download it again')
  return bytes
}

async function readLabels(folder: string, about: CifarVersion): Promise<string[]> {
  const bytes = await readFileOf(folder, about.labelFile)
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/)
  const labels = lines.map((line) => line.trim()).filter((line) => line !== '')
  if (labels.length !== about.classes) {
    failData(
      join(folder, about.labelFile),
      `it names ${labels.length} classes; ${about.name} has ${about.classes}`,
    )
  }
  return labels
}

async function readBatch(
  folder: string,
  name: string,
  { classes, labelBytes }: CifarVersion,
): Promise<LabelledImages> {
  const file = join(folder, name)
  const bytes = await readFileOf(folder, name)
  const record = labelBytes + CIFAR_CHANNELS * CIFAR_PIXELS
  const count = bytes.length / record
  if (!Number.isInteger(count)) {
    failData(file, `${bytes.length} bytes are not whole images of ${record} bytes; it ${CUT_OFF}`)
  }
  const pixels = new Uint8Array(count * CIFAR_CHANNELS * CIFAR_PIXELS)
  const labels = new Uint8Array(count)
  for (let image = 0; image < count; image++) {
    const start = image * record + labelBytes
    const label = bytes[start - 1] as number
    if (label >= classes) {
      failData(file, `label ${label} of image ${image} is not among the ${classes} classes`)
    }
    labels[image] = label
    // Stored channel by channel, kept pixel by pixel.
    for (let i = 0; i < CIFAR_CHANNELS * CIFAR_PIXELS; i++) {
      const channel = Math.floor(i / CIFAR_PIXELS)
      pixels[(image * CIFAR_PIXELS + (i % CIFAR_PIXELS)) * CIFAR_CHANNELS + channel] = bytes[
        start + i
      ] as number
    }
  }
  return { count, pixels, labels }
}

function concatenated(batches: readonly LabelledImages[]): LabelledImages {
  return {
    count: batches.reduce((sum, { count }) => sum + count, 0),
    pixels: Uint8Array.from(Buffer.concat(batches.map(({ pixels }) => pixels))),
    labels: Uint8Array.from(batches.flatMap(({ labels }) => [...labels])),
  }
}
