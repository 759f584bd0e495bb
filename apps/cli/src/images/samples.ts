import { join } from 'node:path'
import { parseIdx } from '@layerswarm/model'
import { CliError } from '../cli-error.ts'
import { readBounded } from '../files.ts'
import { SAMPLES_BYTES_MAX } from '../limits.ts'

/** Names of the two files of a sample pack, on disk and below `/samples/` of a swarm. */
export const SAMPLE_FILES = { images: 'images.idx3-ubyte', labels: 'labels.idx1-ubyte' } as const

/** Labelled square images of one channel. */
export interface Samples {
  readonly count: number
  /** Height and width, pixels. */
  readonly size: number
  /** (count, size, size) raw bytes. */
  readonly pixels: Uint8Array
  /** (count) class of each image. */
  readonly labels: Uint8Array
}

/** Reads a sample pack. @throws CliError `not-found` or `bad-file`; ModelError `bad-idx`. */
export async function readSamples(folder: string): Promise<Samples> {
  return parseSamples(
    await readBounded(join(folder, SAMPLE_FILES.images), SAMPLES_BYTES_MAX),
    await readBounded(join(folder, SAMPLE_FILES.labels), SAMPLES_BYTES_MAX),
    folder,
  )
}

/**
 * Parses the two files of a pack. @param where names it in messages.
 * @throws ModelError `bad-idx` for another format, CliError `bad-file` when images and labels do
 * not fit together.
 */
export function parseSamples(imageFile: Uint8Array, labelFile: Uint8Array, where: string): Samples {
  const images = parseIdx(imageFile)
  const labels = parseIdx(labelFile)
  const [count = 0, size = 0, width = 0] = images.shape
  const fits = images.shape.length === 3 && size === width && count > 0
  if (!fits || labels.shape.length !== 1 || labels.data.length !== count) {
    throw new CliError(
      { code: 'bad-file', path: where },
      `${where} holds no sample pack: square images and one label for each`,
    )
  }
  return { count, size, pixels: images.data, labels: labels.data }
}

/** The bytes of one sample, wrapping around at the end of the pack. */
export function sampleAt(samples: Samples, index: number): { pixels: Uint8Array; label: number } {
  const place = index % samples.count
  const bytes = samples.size * samples.size
  return {
    pixels: samples.pixels.subarray(place * bytes, (place + 1) * bytes),
    label: samples.labels[place] ?? 0,
  }
}
