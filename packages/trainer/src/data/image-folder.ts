import {
  CodedError,
  type Pixels,
  type Preparation,
  type Preprocessing,
  type Resize,
  resizeOf,
} from '@layerswarm/model'
import { FOLDER_PIXEL_BYTES_MAX, SAMPLED_PICTURES_MAX } from '../limits.ts'
import { failData } from './data-file.ts'
import type { Dataset } from './dataset.ts'
import { listedFaults } from './faults.ts'
import { commonForeground } from './foreground.ts'
import { listPictures, type PictureFile } from './picture-files.ts'
import { pixelStatistics } from './pixel-statistics.ts'
import {
  type DecodePicture,
  imagesOf,
  isGrey,
  type PreparedFiles,
  readOtherwise,
  readPictures,
} from './prepared-files.ts'

/** How a folder of pictures is read. */
export interface ImageFolderOptions {
  readonly decode: DecodePicture
  /** Height and width, pixels; undefined takes the pictures as they are, all of one square size. */
  readonly size: number | undefined
  /** Somebody named the size: data that cannot be fitted to it are refused. */
  readonly isSizeNamed?: boolean
  /** 1 or 3; undefined takes 1 if all pictures are grey. */
  readonly channels: 1 | 3 | undefined
  /** How a model that is there already wants its pictures; undefined decides by the pictures. */
  readonly as?: Pick<Preprocessing, 'mean' | 'foreground' | 'resize' | 'rescale'> | undefined
  /** Stops at what cannot be read instead of leaving it out. */
  readonly strict: boolean
  /** Told in a line of what is left out. */
  tell(line: string): void
}

/**
 * How pictures are fitted when nobody says otherwise: whole, in proportion, with black around them.
 * The release says so, and pictures are asked as they were trained on.
 */
const TRAINING_RESIZE: Resize = { mode: 'letterbox', fill: 'black', filter: 'bilinear' }

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
  const size = options.size ?? (await sizeOf(folder, train, options.decode, signal))
  if ((train.length + test.length) * size * size * 3 > FOLDER_PIXEL_BYTES_MAX) {
    failData(folder, `its ${train.length + test.length} pictures do not fit into memory`)
  }
  const { as } = options
  const resize = as === undefined ? TRAINING_RESIZE : resizeOf(as)
  const preparation: Preparation = {
    ...{ mean: [], foreground: 'any', ...as, resize },
    ...{ size, channels: options.channels ?? 3 },
  }
  const unread: string[] = []
  const read = (files: readonly PictureFile[]) =>
    readPictures(files, preparation, { ...options, faults: unread, signal })
  const trained = await read(mixed(train))
  if (trained.files.length === 0) failUnreadable(folder, train.length, train.length, unread[0])
  const tested = await read(mixed(test))
  for (const note of notes) options.tell(note)
  tellFaults(folder, [...found, ...unread], options)
  checkRead(folder, labels, trained, tested)
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
    ...pixelStatistics(split.train.pixels, channels),
    ...split,
  }
}

/** @throws TrainerError `bad-data` when a class, or the test, has lost all its pictures. */
function checkRead(
  folder: string,
  labels: readonly string[],
  trained: PreparedFiles,
  tested: PreparedFiles,
): void {
  const lost = labels.find((_, label) => !trained.files.some((file) => file.label === label))
  if (lost !== undefined) {
    failData(folder, `not one training picture of the class ${lost} can be read`)
  }
  if (tested.files.length === 0) failData(folder, 'not one test picture can be read')
}

/** @throws TrainerError `bad-data` listing the faults, when one is enough to stop. */
function tellFaults(
  folder: string,
  faults: readonly string[],
  { strict, tell }: ImageFolderOptions,
): void {
  if (faults.length === 0) return
  const lines = listedFaults(faults)
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`
  if (strict) failData(folder, `${count}: ${lines.join('; ')}`)
  tell(`${folder}: ${count}, left out (--strict stops instead)`)
  for (const line of lines) tell(`  ${line}`)
}

/**
 * The pictures of all classes spread evenly: whoever takes the last tenth of them, to watch a
 * training by, or the first few, to measure on, takes as large a share of every class.
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

/** That of the first picture that can be read, of some from every class: those that cannot often lie together. */
async function sizeOf(
  folder: string,
  files: readonly PictureFile[],
  decode: DecodePicture,
  signal: AbortSignal | undefined,
): Promise<number> {
  let first: string | undefined
  const tried = sampled(files, SAMPLED_PICTURES_MAX)
  for (const { path } of tried) {
    signal?.throwIfAborted()
    const picture = await decode(path, undefined).catch((error: unknown) => {
      if (!(error instanceof CodedError)) throw error
      first ??= error.message
    })
    if (picture === undefined) continue
    const whole = picture.whole ?? picture
    if (whole.width === whole.height) return whole.width
    failOblong(path, whole)
  }
  return failUnreadable(folder, tried.length, files.length, first)
}

/** As many files of every class as of any other, and those of a class from all over it. */
function sampled(files: readonly PictureFile[], count: number): readonly PictureFile[] {
  const classes = new Map<number, PictureFile[]>()
  for (const file of files) {
    const own = classes.get(file.label)
    if (own === undefined) classes.set(file.label, [file])
    else own.push(file)
  }
  const each = Math.ceil(count / classes.size)
  return evenly(
    [...classes.values()].flatMap((own) => evenly(own, each)),
    count,
  )
}

function evenly<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items
  const before = (at: number): number => Math.floor((at * count) / items.length)
  return items.filter((_, at) => before(at) > before(at - 1))
}

/** @param reason why the first of them cannot be read. */
function failUnreadable(
  folder: string,
  tried: number,
  all: number,
  reason: string | undefined,
): never {
  const which =
    tried === all ? `its ${all} training pictures` : `${tried} pictures from all over it`
  failData(folder, `none of ${which} can be read: ${reason}`)
}

function failOblong(path: string, { width, height }: Pick<Pixels, 'width' | 'height'>): never {
  failData(
    path,
    `it has ${width} × ${height} pixels; make the pictures square, or name a size for all with --size`,
  )
}
