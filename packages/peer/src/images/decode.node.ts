import { readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { PICTURE_PIXELS_MAX, type Pixels } from '@layerswarm/model'
import { within } from '../deadline.ts'
import { download } from '../store/http.ts'
import { badImage, type ImageSource, isPixels, nameOf } from './image-source.ts'
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
  const name = nameOf(source)
  const bytes = await bytesOf(source, name)
  const sharp = await import('sharp').catch((error: unknown) => {
    throw badImage(name, 'takes the package sharp to be decoded: run `npm install sharp`', error)
  })
  if (bytes.length === 0) throw badImage(name, 'is empty')
  const picture = sharp.default(bytes, { limitInputPixels: PICTURE_PIXELS_MAX, failOn: 'error' })
  const { format } = await picture.metadata().catch((error: unknown) => {
    // As sharp says it before it decodes anything.
    if (error instanceof Error && error.message.includes('pixel limit'))
      throw badImage(name, `has more than ${PICTURE_PIXELS_MAX} pixels; make it smaller`, error)
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
