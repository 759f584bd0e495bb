import { createHash } from 'node:crypto'
import { HASHED_CHUNK_BYTES } from '../limits.ts'
import type { Dataset } from './dataset.ts'
import { counted } from './faults.ts'

/** What a training learns from, as far as a checkpoint must know it again. */
export interface LearnedData {
  readonly name: string
  /** Training images, those that are held out among them. */
  readonly images: number
  readonly classes: number
  /** Height and width, pixels. */
  readonly imageSize: number
  readonly channels: number
  /** SHA-256 of the classes' names, the way from pixels to inputs and all training images, hexadecimal. */
  readonly hash: string
}

/** @param dataset as it is learned: normalised as the model to begin with wants it, if there is one. */
export function learnedDataOf(dataset: Dataset): LearnedData {
  const { name, labels, imageSize, channels, mean, std, rescale, resize, foreground } = dataset
  const { train } = dataset
  const hash = createHash('sha256')
  const way = { labels, imageSize, channels, mean, std, rescale, resize, foreground }
  hash.update(JSON.stringify(way))
  hash.update(train.labels)
  // One update takes less than 2 GiB.
  for (let start = 0; start < train.pixels.length; start += HASHED_CHUNK_BYTES) {
    hash.update(train.pixels.subarray(start, start + HASHED_CHUNK_BYTES))
  }
  const sizes = { images: train.count, classes: labels.length, imageSize, channels }
  return { name, ...sizes, hash: hash.digest('hex') }
}

/**
 * What is wrong when a training that learned `stored` is given `own`; undefined for the same data,
 * whatever they are called.
 * @param stored as a checkpoint has it, untrusted.
 */
export function otherData(stored: unknown, own: LearnedData): string | undefined {
  const known = parseLearnedData(stored)
  if (known === undefined || known.hash === own.hash) return undefined
  const [then, now] = [described(known), described(own)]
  return then === now
    ? `it learns from ${then}, which are others now or are prepared otherwise`
    : `it learns from ${then}, not from ${now}`
}

/** What a checkpoint says that it learns from; undefined for anything else. */
export function parseLearnedData(value: unknown): LearnedData | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const source = new Map<string, unknown>(Object.entries(value))
  const [name, hash] = [source.get('name'), source.get('hash')]
  const [images, classes, imageSize, channels] = ['images', 'classes', 'imageSize', 'channels'].map(
    (field) => source.get(field),
  )
  if (typeof name !== 'string' || typeof hash !== 'string') return undefined
  if (typeof images !== 'number' || typeof classes !== 'number') return undefined
  if (typeof imageSize !== 'number' || typeof channels !== 'number') return undefined
  return { name, images, classes, imageSize, channels, hash }
}

function described({ name, images, classes, imageSize, channels }: LearnedData): string {
  const sizes = `${imageSize} × ${imageSize} pixels, ${counted(channels, 'channel')}`
  return `${counted(images, 'image')} of ${name} (${classes} classes, ${sizes})`
}
