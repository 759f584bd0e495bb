import { readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { decodedShrink, PICTURE_PIXELS_MAX, type Pixels, type Preparation } from '@layerswarm/model'
import type { Metadata, ResizeOptions } from 'sharp'
import { within } from '../deadline.ts'
import { download } from '../store/http.ts'
import { badImage, type ImageSource, isPixels, nameOf } from './image-source.ts'
import {
  IMAGE_FETCH_TIMEOUT_MS,
  IMAGE_FILE_BYTES_MAX,
  SHRUNK_PICTURE_PIXELS_MAX,
} from './limits.ts'
import { faultOf, PICTURE_FAULTS } from './picture-faults.ts'

/** The formats that are decoded, as sharp calls them; others have decoders with a larger surface. */
const FORMATS = ['png', 'jpeg', 'webp', 'gif', 'avif']

/**
 * Pixels of a picture, upright as the camera held it, of a moving one the first. Files are decoded by
 * sharp, which whoever asks with them installs.
 * @param preparation what they are for: large pictures are shrunk while they are decoded, as far as
 * that lets it; without it they are not, unless they would have too many pixels.
 * @throws PeerError `bad-image` or `unreachable`.
 */
export async function decodeImage(source: ImageSource, preparation?: Preparation): Promise<Pixels> {
  if (isPixels(source)) return source
  const name = nameOf(source)
  const bytes = await bytesOf(source, name)
  const sharp = await import('sharp').catch((error: unknown) => {
    throw badImage(name, 'takes the package sharp to be decoded: run `npm install sharp`', error)
  })
  if (bytes.length === 0) throw badImage(name, PICTURE_FAULTS.empty)
  const refuse = (otherwise: string) => (error: unknown) => {
    throw badImage(name, faultOf(bytes, bytes, bytes.length) ?? otherwise, error)
  }
  // No limit where only the header is read, so that the size can be named.
  const metadata = await sharp
    .default(bytes, { limitInputPixels: false })
    .metadata()
    .catch(refuse(PICTURE_FAULTS.unknown))
  const { format, size } = described(metadata)
  if (!FORMATS.includes(format)) {
    throw badImage(name, PICTURE_FAULTS.other(format === 'heif' ? 'heic' : format))
  }
  const by = shrinkOf(size, format === 'jpeg' && metadata.isProgressive !== true, preparation)
  if (by === undefined) throw badImage(name, PICTURE_FAULTS.tooLarge(size))
  const picture = sharp
    .default(bytes, { limitInputPixels: SHRUNK_PICTURE_PIXELS_MAX, failOn: 'error' })
    .rotate()
  const sized = by === 1 ? picture : picture.resize(shrunk(size, by))
  const isInk = metadata.space === 'cmyk' && metadata.hasProfile !== true
  const { data, info } = await (isInk
    ? sized.pipelineColourspace('cmyk').toColourspace('cmyk')
    : sized.toColourspace('srgb').ensureAlpha()
  )
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch(refuse(PICTURE_FAULTS.damaged))
  const pixels = { width: info.width, height: info.height, data: isInk ? lightOf(data) : data }
  return by === 1 ? pixels : { ...pixels, whole: size }
}

/**
 * What four inks without a profile leave of white light, as browsers and Pillow have it; sharp would take them for
 * those of a press. @param inks (pixels, 4), cyan, magenta, yellow and black. @returns (pixels, 4), the last one opaque.
 */
function lightOf(inks: Uint8Array): Uint8Array {
  const light = new Uint8Array(inks.length).fill(255)
  for (let at = 0; at < inks.length; at += 4) {
    const paper = 255 - (inks[at + 3] ?? 0)
    for (let channel = 0; channel < 3; channel++)
      light[at + channel] = Math.round(((255 - (inks[at + channel] ?? 0)) * paper) / 255)
  }
  return light
}

interface Size {
  readonly width: number
  readonly height: number
}

/** The format, AVIF apart from HEIC, and the size as it is seen: a turned camera's is turned. */
function described({ format, compression, width, height, orientation = 1 }: Metadata): {
  format: string
  size: Size
} {
  return {
    format: format === 'heif' && compression === 'av1' ? 'avif' : format,
    size: orientation < 5 ? { width, height } : { width: height, height: width },
  }
}

/**
 * By how much a picture is shrunk while it is decoded; undefined for one that is too large.
 * @param isCheap whether its decoder can shrink it without having held it whole.
 */
function shrinkOf(
  size: Size,
  isCheap: boolean,
  preparation: Preparation | undefined,
): number | undefined {
  const pixels = size.width * size.height
  if (pixels > (isCheap ? SHRUNK_PICTURE_PIXELS_MAX : PICTURE_PIXELS_MAX)) return undefined
  const wanted = preparation === undefined ? 1 : decodedShrink(size, preparation)
  return [1, 2, 4, 8].find((by) => by >= wanted && pixels / by ** 2 <= PICTURE_PIXELS_MAX)
}

function shrunk({ width, height }: Size, by: number): ResizeOptions {
  const side = (length: number): number => Math.max(1, Math.floor(length / by))
  return { width: side(width), height: side(height), fit: 'fill' }
}

async function bytesOf(source: Exclude<ImageSource, Pixels>, name: string): Promise<Uint8Array> {
  if (source instanceof Blob) {
    if (source.size > IMAGE_FILE_BYTES_MAX) throw badImage(name, 'is too large')
    return new Uint8Array(await source.arrayBuffer())
  }
  if (typeof source !== 'string' && !(source instanceof URL)) {
    const isDrawn = typeof source === 'object' && source !== null && 'width' in source
    throw badImage(
      name,
      isDrawn
        ? 'is something of a browser, which Node cannot read'
        : 'is none: a path, an address, a Blob or decoded pixels are taken',
    )
  }
  const url = addressOf(source)
  if (url === undefined) return readImage(String(source), name)
  if (url.protocol === 'file:') return readImage(pathOf(url), name)
  const bytes = await within(IMAGE_FETCH_TIMEOUT_MS, undefined, (signal) =>
    download(url, IMAGE_FILE_BYTES_MAX, signal),
  )
  if (bytes === undefined) throw badImage(name, 'does not exist')
  return bytes
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url)
  } catch (error) {
    throw badImage(nameOf(url), 'names no file of this machine', error)
  }
}

/** A text that begins like an address is one; `C:\photo.png` and `photo.png` are not. */
function addressOf(source: string | URL): URL | undefined {
  if (source instanceof URL) return source
  return /^([a-z][a-z0-9+.-]+:\/\/|data:|blob:)/i.test(source) && URL.canParse(source)
    ? new URL(source)
    : undefined
}

async function readImage(path: string, name: string): Promise<Uint8Array> {
  const unreadable = (error: unknown): never => {
    throw badImage(name, 'cannot be opened: is that the right path?', error)
  }
  const found = await stat(path).catch(unreadable)
  // A device or a pipe may have no end.
  if (!found.isFile()) throw badImage(name, found.isDirectory() ? 'is a folder' : 'is no file')
  if (found.size > IMAGE_FILE_BYTES_MAX) throw badImage(name, 'is too large')
  return readFile(path).catch(unreadable)
}
