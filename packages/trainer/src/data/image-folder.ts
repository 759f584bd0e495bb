import { CodedError } from '@layerswarm/model'
import {
  FAULTS_TOLD_MAX,
  FOLDER_PIXEL_BYTES_MAX,
  UNREADABLE_FIRST_PICTURES_MAX,
} from '../limits.ts'
import { failData } from './data-file.ts'
import type { Dataset, LabelledImages } from './dataset.ts'
import { listPictures, type PictureFile } from './picture-files.ts'
import { pixelStatistics } from './pixel-statistics.ts'

/** A decoded picture: 4 bytes per pixel (red, green, blue, alpha), row by row. */
export interface DecodedPicture {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

/**
 * Decodes a picture file; with a size it fits the picture into a square of so many pixels.
 * @throws CodedError whose message is one line that names the file.
 */
export type DecodePicture = (path: string, size: number | undefined) => Promise<DecodedPicture>

/** How a folder of pictures is read. */
export interface ImageFolderOptions {
  readonly decode: DecodePicture
  /** Height and width, pixels; undefined takes the pictures as they are, all of one square size. */
  readonly size: number | undefined
  /** 1 or 3; undefined takes 1 if all pictures are grey. */
  readonly channels: 1 | 3 | undefined
  /** Stops at what cannot be read instead of leaving it out. */
  readonly strict: boolean
  /** Told in a line of what is left out. */
  tell(line: string): void
}

/**
 * Reads pictures in a folder per class, as `listPictures` finds them. What cannot be read is told
 * and left out, or all of it listed in one error when `strict`.
 * @throws TrainerError `missing-data` or `bad-data`, naming the folder or the file; what the signal
 * was aborted with.
 */
export async function loadImageFolder(
  folder: string,
  name: string,
  options: ImageFolderOptions,
  signal: AbortSignal | undefined,
): Promise<Dataset> {
  const { train, test, labels, faults: found, notes } = await listPictures(folder)
  const faults = [...found]
  const size = options.size ?? (await sizeOf(folder, train, options.decode))
  if ((train.length + test.length) * size * size * 3 > FOLDER_PIXEL_BYTES_MAX) {
    failData(folder, `its ${train.length + test.length} pictures do not fit into memory`)
  }
  const read = (files: readonly PictureFile[]) =>
    readPictures(files, size, { ...options, faults, signal })
  const [trained, tested] = [await read(mixed(train)), await read(test)]
  for (const note of notes) options.tell(note)
  tellFaults(folder, faults, options)
  for (const [label, one] of labels.entries()) {
    if (!trained.labels.includes(label)) {
      failData(folder, `not one training picture of the class ${one} can be read`)
    }
  }
  if (tested.count === 0) failData(folder, 'not one test picture can be read')
  const channels = options.channels ?? (isGrey(trained) && isGrey(tested) ? 1 : 3)
  const split = { train: reduced(trained, channels), test: reduced(tested, channels) }
  return {
    name,
    labels,
    imageSize: size,
    channels,
    ...pixelStatistics(split.train.pixels, channels),
    ...split,
  }
}

/** @throws TrainerError `bad-data` listing the faults, when one is enough to stop. */
function tellFaults(
  folder: string,
  faults: readonly string[],
  { strict, tell }: ImageFolderOptions,
): void {
  if (faults.length === 0) return
  const shown = faults.slice(0, FAULTS_TOLD_MAX)
  const hidden = faults.length - shown.length
  const lines = hidden === 0 ? shown : [...shown, `and ${hidden} more`]
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`
  if (strict) failData(folder, `${count}: ${lines.join('; ')}`)
  tell(`${folder}: ${count}, left out (--strict stops instead)`)
  for (const line of lines) tell(`  ${line}`)
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

/** That of the first picture that can be read. */
async function sizeOf(
  folder: string,
  files: readonly PictureFile[],
  decode: DecodePicture,
): Promise<number> {
  let first: unknown
  const tried = files.slice(0, UNREADABLE_FIRST_PICTURES_MAX)
  for (const { path } of tried) {
    const picture = await decode(path, undefined).catch((error: unknown) => {
      first ??= error
    })
    if (picture === undefined) continue
    if (picture.width === picture.height) return picture.width
    failOblong(path, picture)
  }
  if (!(first instanceof CodedError)) throw first
  failData(folder, `none of the first ${tried.length} pictures can be read: ${first.message}`)
}

function failOblong(path: string, { width, height }: DecodedPicture): never {
  failData(
    path,
    `it has ${width} × ${height} pixels; make the pictures square, or name a size for all with --size`,
  )
}

/** All pictures as red, green and blue; what is wrong with one becomes a fault. */
async function readPictures(
  files: readonly PictureFile[],
  size: number,
  {
    decode,
    size: wanted,
    faults,
    signal,
  }: ImageFolderOptions & { readonly faults: string[]; readonly signal: AbortSignal | undefined },
): Promise<LabelledImages> {
  const values = size * size * 3
  const pixels = new Uint8Array(files.length * values)
  const labels = new Uint16Array(files.length)
  const odd: { path: string; width: number; height: number }[] = []
  let count = 0
  for (const { path, label } of files) {
    signal?.throwIfAborted()
    const picture = await decode(path, wanted).catch((error: unknown) => {
      if (!(error instanceof CodedError)) throw error
      faults.push(error.message)
    })
    if (picture === undefined) continue
    const { width, height, data } = picture
    if (width !== size || height !== size || data.length !== size * size * 4) {
      odd.push({ path, width, height })
      continue
    }
    for (let pixel = 0; pixel < size * size; pixel++) {
      pixels.set(data.subarray(pixel * 4, pixel * 4 + 3), count * values + pixel * 3)
    }
    labels[count++] = label
  }
  const [first] = odd
  if (first !== undefined) {
    failData(
      first.path,
      `it has ${first.width} × ${first.height} pixels, the first one ${size} × ${size}, and so ${odd.length} of ${files.length} differ; make them one size, or name one for all with --size`,
    )
  }
  return { count, pixels: pixels.subarray(0, count * values), labels: labels.subarray(0, count) }
}

function isGrey({ pixels }: LabelledImages): boolean {
  for (let i = 0; i < pixels.length; i += 3) {
    if (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2]) return false
  }
  return true
}

/** Luminance (ITU-R BT.601) where one channel is wanted. */
function reduced(images: LabelledImages, channels: 1 | 3): LabelledImages {
  if (channels === 3) return images
  const { pixels } = images
  const grey = Uint8Array.from({ length: pixels.length / 3 }, (_, pixel) => {
    const [r = 0, g = 0, b = 0] = pixels.subarray(pixel * 3, pixel * 3 + 3)
    return Math.round(0.299 * r + 0.587 * g + 0.114 * b)
  })
  return { ...images, pixels: grey }
}
