import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  foregroundOfPicture,
  type Pixels,
  type Preparation,
  type Preprocessing,
  preparePicture,
  type Resize,
  resizeOf,
} from '@layerswarm/model'
import { TrainerError } from '../errors.ts'
import {
  FOLDER_CLASSES_MAX,
  FOLDER_PIXEL_BYTES_MAX,
  PIXEL_STD_MIN,
  TEST_EVERY_PICTURES,
} from '../limits.ts'
import { failData } from './data-file.ts'
import type { Dataset, LabelledImages } from './dataset.ts'
import { commonForeground, type Foreground } from './foreground.ts'

/**
 * Decodes a picture file. @param preparation what its pixels are for: a large picture may be shrunk
 * while it is decoded, as far as that allows; undefined for its size alone.
 * @throws an error whose message is one line that names the file.
 */
export type DecodePicture = (path: string, preparation: Preparation | undefined) => Promise<Pixels>

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

/**
 * How pictures are fitted when nobody says otherwise: whole, in proportion, with black around them.
 * The release says so, and pictures are asked as they were trained on.
 */
const TRAINING_RESIZE: Resize = { mode: 'letterbox', fill: 'black', filter: 'bilinear' }

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
  const { as } = options
  const resize = as === undefined ? TRAINING_RESIZE : resizeOf(as)
  const preparation: Preparation = {
    ...{ mean: [], foreground: 'any', ...as, resize },
    ...{ size, channels: options.channels ?? 3 },
  }
  const read = (files: readonly PictureFile[]) => readPictures(files, preparation, options)
  const [trained, tested] = [await read(mixed(train)), await read(test)]
  const channels = options.channels ?? (isGrey(trained) && isGrey(tested) ? 1 : 3)
  const foreground = as?.foreground ?? (channels === 1 ? commonForeground(trained.shown) : 'any')
  if (as === undefined) {
    // They were read before it was known what they show in common.
    for (const one of [trained, tested]) {
      await readOtherwise(one, { ...preparation, foreground }, options.decode)
    }
  }
  const split = { train: imagesOf(trained, channels), test: imagesOf(tested, channels) }
  return {
    ...{ name, labels, imageSize: size, channels, foreground, resize },
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

/** The pictures of one part of a data set, prepared alike. */
interface PreparedFiles {
  readonly files: readonly PictureFile[]
  /** (files, size, size, channels) bytes. */
  readonly pixels: Uint8Array
  readonly channels: number
  /** By file, what it shows. */
  readonly shown: readonly Foreground[]
  /** Places of files that were transparent somewhere: what lies behind depends on what all of them show. */
  readonly clear: readonly number[]
}

async function readPictures(
  files: readonly PictureFile[],
  preparation: Preparation,
  { decode, size: wanted }: ImageFolderOptions,
): Promise<PreparedFiles> {
  const { size, channels } = preparation
  const values = size * size * channels
  const pixels = new Uint8Array(files.length * values)
  const shown: Foreground[] = []
  const clear: number[] = []
  for (const [at, { path }] of files.entries()) {
    const picture = await decode(path, preparation)
    const { width, height } = picture.whole ?? picture
    if (wanted === undefined && (width !== size || height !== size)) {
      failData(
        path,
        `it has ${width} × ${height} pixels, the first one ${size} × ${size}; make them one size, or name one for all with --size`,
      )
    }
    pixels.set(preparePicture(picture, preparation), at * values)
    shown.push(foregroundOfPicture(picture))
    if (isClear(picture)) clear.push(at)
  }
  return { files, pixels, channels, shown, clear }
}

/** Reads those again that come out otherwise now that it is known what all of them show. */
async function readOtherwise(
  { files, pixels, shown, clear }: PreparedFiles,
  preparation: Preparation,
  decode: DecodePicture,
): Promise<void> {
  const { foreground } = preparation
  if (foreground === 'any') return
  const values = pixels.length / files.length
  for (const [at, { path }] of files.entries()) {
    const isTurned = shown[at] !== 'any' && shown[at] !== foreground
    if (!isTurned && !clear.includes(at)) continue
    pixels.set(preparePicture(await decode(path, preparation), preparation), at * values)
  }
}

function isClear({ data }: Pixels): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return true
  return false
}

function isGrey({ pixels, channels }: PreparedFiles): boolean {
  if (channels === 1) return true
  for (let i = 0; i < pixels.length; i += 3) {
    if (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2]) return false
  }
  return true
}

/** Grey pictures that were read in colour keep one of their three equal channels. */
function imagesOf({ files, pixels, channels }: PreparedFiles, wanted: 1 | 3): LabelledImages {
  const every = channels / wanted
  return {
    count: files.length,
    pixels: every === 1 ? pixels : pixels.filter((_, i) => i % every === 0),
    labels: Uint8Array.from(files, ({ label }) => label),
  }
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
