import {
  CodedError,
  foregroundOfPicture,
  type Pixels,
  type Preparation,
  preparePicture,
} from '@layerswarm/model'
import { failData } from './data-file.ts'
import type { LabelledImages } from './dataset.ts'
import type { Foreground } from './foreground.ts'
import type { PictureFile } from './picture-files.ts'

/**
 * Decodes a picture file. @param preparation what its pixels are for: a large picture may be shrunk
 * while it is decoded, as far as that allows; undefined for its size alone.
 * @throws CodedError whose message is one line that names the file.
 */
export type DecodePicture = (path: string, preparation: Preparation | undefined) => Promise<Pixels>

/** The pictures of one part of a data set that could be read, prepared alike. */
export interface PreparedFiles {
  readonly files: readonly PictureFile[]
  /** (files, size, size, channels) bytes. */
  readonly pixels: Uint8Array
  readonly channels: number
  /** By file, what it shows. */
  readonly shown: readonly Foreground[]
  /** By file, whether it is transparent somewhere: what lies behind depends on what all of them show. */
  readonly clear: readonly boolean[]
}

/** How the files of a folder are read. */
export interface ReadOptions {
  readonly decode: DecodePicture
  /** Undefined takes pictures of the preparation's size only. */
  readonly size: number | undefined
  /** Receives a line for each file that cannot be read. */
  readonly faults: string[]
  readonly signal: AbortSignal | undefined
}

/**
 * Decodes and prepares files; what is wrong with one becomes a fault.
 * @throws TrainerError `bad-data` for pictures of another size, where no size was asked for; what the
 * signal was aborted with.
 */
export async function readPictures(
  files: readonly PictureFile[],
  preparation: Preparation,
  { decode, size: wanted, faults, signal }: ReadOptions,
): Promise<PreparedFiles> {
  const { size, channels } = preparation
  const values = size * size * channels
  const pixels = new Uint8Array(files.length * values)
  const read: PictureFile[] = []
  const shown: Foreground[] = []
  const clear: boolean[] = []
  const odd: { path: string; width: number; height: number }[] = []
  for (const file of files) {
    signal?.throwIfAborted()
    const picture = await decode(file.path, preparation).catch((error: unknown) => {
      if (!(error instanceof CodedError)) throw error
      faults.push(error.message)
    })
    if (picture === undefined) continue
    const { width, height } = picture.whole ?? picture
    if (wanted === undefined && (width !== size || height !== size)) {
      odd.push({ path: file.path, width, height })
      continue
    }
    pixels.set(preparePicture(picture, preparation), read.length * values)
    shown.push(foregroundOfPicture(picture))
    clear.push(isClear(picture))
    read.push(file)
  }
  const [first] = odd
  if (first !== undefined) {
    failData(
      first.path,
      `it has ${first.width} × ${first.height} pixels, the first one ${size} × ${size}, and so ${odd.length} of ${files.length} differ; make them one size, or name one for all with --size`,
    )
  }
  return { files: read, pixels: pixels.subarray(0, read.length * values), channels, shown, clear }
}

/**
 * Reads those again that come out otherwise now that it is known what all of them show.
 * @throws what `decode` throws, of a file that could be read before.
 */
export async function readOtherwise(
  { files, pixels, shown, clear }: PreparedFiles,
  preparation: Preparation,
  decode: DecodePicture,
): Promise<void> {
  const { foreground } = preparation
  if (foreground === 'any') return
  const values = pixels.length / files.length
  for (const [at, { path }] of files.entries()) {
    const isTurned = shown[at] !== 'any' && shown[at] !== foreground
    if (!isTurned && clear[at] !== true) continue
    pixels.set(preparePicture(await decode(path, preparation), preparation), at * values)
  }
}

function isClear({ data }: Pixels): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return true
  return false
}

/** Whether no picture has a colour. */
export function isGrey({ pixels, channels }: PreparedFiles): boolean {
  if (channels === 1) return true
  for (let i = 0; i < pixels.length; i += 3) {
    if (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2]) return false
  }
  return true
}

/** As images of a data set; grey pictures that were read in colour keep one of their three equal channels. */
export function imagesOf(
  { files, pixels, channels }: PreparedFiles,
  wanted: 1 | 3,
): LabelledImages {
  const every = channels / wanted
  return {
    count: files.length,
    pixels: every === 1 ? pixels : pixels.filter((_, i) => i % every === 0),
    labels: Uint16Array.from(files, ({ label }) => label),
  }
}
