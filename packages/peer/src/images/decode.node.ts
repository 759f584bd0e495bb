import { readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { PICTURE_PIXELS_MAX, type Pixels } from '@layerswarm/model'
import { within } from '../deadline.ts'
import { download } from '../store/http.ts'
import { badImage, type ImageSource, isPixels } from './image-source.ts'
import { IMAGE_FETCH_TIMEOUT_MS, IMAGE_FILE_BYTES_MAX } from './limits.ts'

/** The formats that are decoded; others have decoders with a larger surface. */
const FORMATS = ['png', 'jpeg', 'webp']

/**
 * Pixels of a picture, upright as the camera held it. Files are decoded by sharp, which whoever
 * asks with them installs.
 * @throws PeerError `bad-image` or `unreachable`.
 */
export async function decodeImage(source: ImageSource): Promise<Pixels> {
  if (isPixels(source)) return source
  const name =
    typeof source === 'string' ? source : source instanceof URL ? source.href : 'the picture'
  const bytes = await bytesOf(source, name)
  const sharp = await import('sharp').catch((error: unknown) => {
    throw badImage(name, 'takes the package sharp to be decoded: run `npm install sharp`', error)
  })
  const picture = sharp.default(bytes, { limitInputPixels: PICTURE_PIXELS_MAX, failOn: 'error' })
  const { format } = await picture.metadata().catch((error: unknown) => {
    throw badImage(name, 'is no picture that can be read: PNG, JPEG or WebP', error)
  })
  if (!FORMATS.includes(format))
    throw badImage(name, `is a ${format}; PNG, JPEG and WebP can be read`)
  const { data, info } = await picture
    .rotate()
    .toColourspace('srgb')
    .ensureAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((error: unknown) => {
      throw badImage(name, 'is cut off or damaged', error)
    })
  return { width: info.width, height: info.height, data }
}

async function bytesOf(source: Exclude<ImageSource, Pixels>, name: string): Promise<Uint8Array> {
  if (source instanceof Blob) {
    if (source.size > IMAGE_FILE_BYTES_MAX) throw badImage(name, 'is too large')
    return new Uint8Array(await source.arrayBuffer())
  }
  if (typeof source !== 'string' && !(source instanceof URL)) {
    throw badImage(name, 'is something of a browser, which Node cannot read')
  }
  const url = addressOf(source)
  if (url === undefined) return readImage(String(source))
  if (url.protocol === 'file:') return readImage(fileURLToPath(url))
  const bytes = await within(IMAGE_FETCH_TIMEOUT_MS, undefined, (signal) =>
    download(url, IMAGE_FILE_BYTES_MAX, signal),
  )
  if (bytes === undefined) throw badImage(name, 'does not exist')
  return bytes
}

/** A text that begins like an address is one; `C:\photo.png` and `photo.png` are not. */
function addressOf(source: string | URL): URL | undefined {
  if (source instanceof URL) return source
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(source) && URL.canParse(source)
    ? new URL(source)
    : undefined
}

async function readImage(path: string): Promise<Uint8Array> {
  const unreadable = (error: unknown): never => {
    throw badImage(path, 'cannot be opened: is that the right path?', error)
  }
  const { size } = await stat(path).catch(unreadable)
  if (size > IMAGE_FILE_BYTES_MAX) throw badImage(path, 'is too large')
  return readFile(path).catch(unreadable)
}
