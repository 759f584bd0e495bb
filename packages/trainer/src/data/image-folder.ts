import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pixels, Preparation, Preprocessing } from '@layerswarm/model'
import { TrainerError } from '../errors.ts'
import {
  FOLDER_CLASSES_MAX,
  FOLDER_PIXEL_BYTES_MAX,
  PIXEL_STD_MIN,
  TEST_EVERY_PICTURES,
} from '../limits.ts'
import { failData } from './data-file.ts'
import type { Dataset, LabelledImages } from './dataset.ts'
import {
  foregroundOfPictures,
  isOtherwise,
  type PreparedPicture,
  prepareFile,
  TRAINING_RESIZE,
} from './prepared-pictures.ts'

/**
 * Decodes a picture file. @param preparation what its pixels are for: a large picture may be shrunk
 * while it is decoded, as far as that allows; undefined for its size alone.
 * @throws an error whose message is one line that names the file.
 */
export type DecodePicture = (
  path: string,
  preparation: Preparation | undefined,
) => Promise<Pixels>

/** How a folder of pictures is read. */
export interface ImageFolderOptions {
  readonly decode: DecodePicture
  /** Height and width, pixels; undefined takes the pictures as they are, all of one square size. */
  readonly size: number | undefined
  /** 1 or 3; undefined takes 1 if all pictures are grey. */
  readonly channels: 1 | 3 | undefined
  /** How a model that is there already wants its pictures; undefined decides by the pictures. */
  readonly as?: Pick<Preprocessing, 'mean' | 'foreground' | 'resize' | 'rescale'> | undefined
}

const PICTURE = /\.(png|jpe?g|webp)$/i

/** A picture of a class that is yet to be decoded. */
interface PictureFile {
  readonly path: string
  readonly label: number
}

/**
 * Reads pictures in a folder per class: DIR/class/*.png (jpg, webp), or DIR/train/class and
 * DIR/test/class. Classes are numbered in the order of their names.
 * @throws TrainerError `missing-data` or `bad-data`, naming the folder or the file.
 */
export async function loadImageFolder(
  folder: string,
  name: string,
  options: ImageFolderOptions,
): Promise<Dataset> {
  const { train, test, labels } = await listPictures(folder)
  const size = options.size ?? (await sizeOf(train, options.decode))
  if ((train.length + test.length) * size * size * 3 > FOLDER_PIXEL_BYTES_MAX) {
    failData(folder, `its ${train.length + test.length} pictures do not fit into memory`)
  }
  const given = { mean: [], foreground: 'any', resize: TRAINING_RESIZE, ...options.as } as const
  const preparation: Preparation = { ...given, size, channels: options.channels ?? 3 }
  const read = (files: readonly PictureFile[]) => readPictures(files, preparation, options)
  const [trained, tested] = [await read(mixed(train)), await read(test)]
  const channels = options.channels ?? (isGrey(trained) && isGrey(tested) ? 1 : 3)
  const foreground =
    options.as?.foreground ?? (channels === 1 ? foregroundOfPictures(trained.pictures) : 'any')
  // Those that were read before it was known what the others show.
  const turned = { ...preparation, foreground }
  if (options.as === undefined) {
    for (const split of [trained, tested]) await turnRound(split, turned, options.decode)
  }
  const split = { train: images(trained, size, channels), test: images(tested, size, channels) }
  return {
    ...{ name, labels, imageSize: size, channels, foreground, resize: given.resize },
    ...pixelStatistics(split.train, channels),
    ...split,
  }
}

async function listPictures(
  folder: string,
): Promise<{ train: PictureFile[]; test: PictureFile[]; labels: string[] }> {
  const below = await subfolders(folder)
  if (below.includes('train') && below.includes('test')) {
    const labels = await classesOf(join(folder, 'train'))
    const strange = (await classesOf(join(folder, 'test'))).find((one) => !labels.includes(one))
    if (strange !== undefined) {
      failData(join(folder, 'test', strange), 'there are no training pictures of this class')
    }
    const [train, test] = ['train', 'test'].map((split) => picturesOf(join(folder, split), labels))
    return { train: (await train) ?? [], test: (await test) ?? [], labels }
  }
  const labels = await classesOf(folder)
  const all = await picturesOf(folder, labels)
  const isTest = (_: PictureFile, index: number): boolean =>
    index % TEST_EVERY_PICTURES === TEST_EVERY_PICTURES - 1
  const test = all.filter(isTest)
  if (test.length === 0) {
    failData(folder, `${all.length} pictures are too few to keep some for testing`)
  }
  return { train: all.filter((file, index) => !isTest(file, index)), test, labels }
}

/**
 * The pictures of all classes spread evenly: whoever takes the last tenth of them, to watch a
 * training by, takes a tenth of every class.
 */
function mixed(files: readonly PictureFile[]): PictureFile[] {
  const counts = new Map<number, number>()
  for (const { label } of files) counts.set(label, (counts.get(label) ?? 0) + 1)
  const seen = new Map<number, number>()
  const placed = files.map((file) => {
    const before = seen.get(file.label) ?? 0
    seen.set(file.label, before + 1)
    return { file, place: (before + 0.5) / (counts.get(file.label) ?? 1) }
  })
  return placed.toSorted((a, b) => a.place - b.place).map(({ file }) => file)
}

async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  return names.filter((name) => !name.startsWith('.')).toSorted()
}

async function classesOf(folder: string): Promise<string[]> {
  const names = await subfolders(folder)
  if (names.length < 2) {
    throw new TrainerError(
      { code: 'missing-data', file: folder },
      `${folder} holds ${names.length} class folders; pictures of two classes at least are needed, as ${folder}/cat/1.png`,
    )
  }
  if (names.length > FOLDER_CLASSES_MAX) {
    failData(
      folder,
      `it has ${names.length} class folders; at most ${FOLDER_CLASSES_MAX} can be read`,
    )
  }
  return names
}

/** Pictures of all classes, those of one class behind each other. */
async function picturesOf(folder: string, labels: readonly string[]): Promise<PictureFile[]> {
  const files: PictureFile[] = []
  for (const [label, name] of labels.entries()) {
    const entries = await readdir(join(folder, name)).catch(() => [])
    const own = entries.filter((entry) => PICTURE.test(entry)).toSorted()
    if (own.length === 0) failData(join(folder, name), 'no PNG, JPEG or WebP picture is in it')
    files.push(...own.map((entry) => ({ path: join(folder, name, entry), label })))
  }
  return files
}

async function sizeOf([first]: readonly PictureFile[], decode: DecodePicture): Promise<number> {
  if (first === undefined) return 0
  const picture = await decode(first.path, undefined)
  const { width, height } = picture.whole ?? picture
  if (width === height) return width
  return failData(
    first.path,
    `it has ${width} × ${height} pixels; make the pictures square, or name a size for all with --size`,
  )
}

/** Pictures of one part of a data set, all prepared alike. */
interface PreparedFiles {
  readonly files: readonly PictureFile[]
  readonly pictures: PreparedPicture[]
}

async function readPictures(
  files: readonly PictureFile[],
  preparation: Preparation,
  { decode, size: wanted }: ImageFolderOptions,
): Promise<PreparedFiles> {
  const pictures: PreparedPicture[] = []
  const { size } = preparation
  for (const { path } of files) {
    const picture = await prepareFile(path, decode, preparation)
    const { width, height } = picture
    if (wanted === undefined && (width !== size || height !== size)) {
      failData(
        path,
        `it has ${width} × ${height} pixels, the first one ${size} × ${size}; make them one size, or name one for all with --size`,
      )
    }
    pictures.push(picture)
  }
  return { files, pictures }
}

/** Prepares those pictures again that come out otherwise now. */
async function turnRound(
  { files, pictures }: PreparedFiles,
  preparation: Preparation,
  decode: DecodePicture,
): Promise<void> {
  for (const [at, picture] of pictures.entries()) {
    const file = files[at]
    if (file === undefined || !isOtherwise(picture, preparation.foreground)) continue
    pictures[at] = await prepareFile(file.path, decode, preparation)
  }
}

function isGrey({ pictures }: PreparedFiles): boolean {
  return pictures.every(({ bytes }) => {
    for (let i = 0; i < bytes.length; i += 3) {
      if (bytes[i] !== bytes[i + 1] || bytes[i] !== bytes[i + 2]) return false
    }
    return true
  })
}

/** One behind the other; grey ones that were read in colour keep one of their equal channels. */
function images(
  { files, pictures }: PreparedFiles,
  size: number,
  channels: 1 | 3,
): LabelledImages {
  const values = size * size * channels
  const pixels = new Uint8Array(pictures.length * values)
  for (const [at, { bytes }] of pictures.entries()) {
    const every = bytes.length / values
    pixels.set(every === 1 ? bytes : bytes.filter((_, i) => i % every === 0), at * values)
  }
  return { count: files.length, pixels, labels: Uint8Array.from(files, ({ label }) => label) }
}

/** Mean and deviation by channel, on a scale from 0 to 1. */
function pixelStatistics(
  { pixels }: LabelledImages,
  channels: 1 | 3,
): { mean: number[]; std: number[] } {
  const sums = Array.from({ length: channels }, () => ({ plain: 0, squared: 0 }))
  for (let i = 0; i < pixels.length; i++) {
    const sum = sums[i % channels]
    const value = (pixels[i] as number) / 255
    if (sum === undefined) continue
    sum.plain += value
    sum.squared += value * value
  }
  const count = pixels.length / channels
  const mean = sums.map(({ plain }) => plain / count)
  const std = sums.map(({ squared }, channel) =>
    Math.max(PIXEL_STD_MIN, Math.sqrt(Math.max(0, squared / count - (mean[channel] ?? 0) ** 2))),
  )
  return { mean, std }
}
