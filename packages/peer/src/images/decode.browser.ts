import { decodedShrink, PICTURE_PIXELS_MAX, type Pixels, type Preparation } from '@layerswarm/model'
import { within } from '../deadline.ts'
import { download } from '../store/http.ts'
import { badImage, type ImageSource, isPixels, nameOf } from './image-source.ts'
import {
  IMAGE_FETCH_TIMEOUT_MS,
  IMAGE_FILE_BYTES_MAX,
  PICTURE_END_BYTES,
  PICTURE_HEAD_BYTES,
} from './limits.ts'
import { faultOf, PICTURE_FAULTS } from './picture-faults.ts'
import { headerOf } from './picture-header.ts'

/**
 * Pixels of a picture, upright as the camera held it, of a moving one the first.
 * @param preparation what they are for: large pictures are shrunk before their pixels are taken, as far
 * as that lets it; without it they are not.
 * @throws PeerError `bad-image` or `unreachable`.
 */
export async function decodeImage(source: ImageSource, preparation?: Preparation): Promise<Pixels> {
  if (isPixels(source)) return source
  const name = nameOf(source)
  const isAddress = typeof source === 'string' || source instanceof URL
  const drawable = isAddress ? await fetchImage(addressOf(source), name) : source
  const fault = drawable instanceof Blob ? await checkFile(drawable, name) : undefined
  const bitmap = await createImageBitmap(drawable).catch((error: unknown) => {
    throw badImage(name, fault ?? 'cannot be read as a picture by this browser', error)
  })
  const { width, height } = bitmap
  try {
    if (width * height > PICTURE_PIXELS_MAX) throw badImage(name, PICTURE_FAULTS.tooLarge(bitmap))
    const by = preparation === undefined ? 1 : decodedShrink(bitmap, preparation)
    const side = (length: number): number => Math.max(1, Math.floor(length / by))
    // Drawn by the processor: graphics cards differ in the last bit.
    const canvas = new OffscreenCanvas(side(width), side(height))
    const context = canvas.getContext('2d', { willReadFrequently: true })
    if (context === null) throw badImage(name, 'cannot be drawn: this browser gives no canvas')
    // Means of squares, of which none is left out.
    context.imageSmoothingQuality = 'medium'
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
    const pixels = pixelsOf(context, name)
    if (by === 1) return pixels
    return {
      width: pixels.width,
      height: pixels.height,
      data: pixels.data,
      whole: { width, height },
    }
  } finally {
    bitmap.close()
  }
}

/**
 * Refuses what its own first and last bytes say cannot be read.
 * @returns what they say of it if the browser cannot read it. @throws PeerError `bad-image`.
 */
async function checkFile(file: Blob, name: string): Promise<string | undefined> {
  if (file.size === 0) throw badImage(name, PICTURE_FAULTS.empty)
  const bytesFrom = async (part: Blob): Promise<Uint8Array> =>
    new Uint8Array(await part.arrayBuffer())
  const head = await bytesFrom(file.slice(0, PICTURE_HEAD_BYTES))
  const tail = await bytesFrom(file.slice(-PICTURE_END_BYTES))
  const fault = faultOf(head, tail, file.size)
  const header = headerOf(head)
  // A format that only some browsers read is left to them.
  if (header === undefined || header.format === 'heic') return fault
  if (fault === PICTURE_FAULTS.cutOff) throw badImage(name, fault)
  const { size } = header
  if (size !== undefined && size.width * size.height > PICTURE_PIXELS_MAX)
    throw badImage(name, PICTURE_FAULTS.tooLarge(size))
  return header.format === 'avif' ? undefined : fault
}

/** @throws PeerError `bad-image` when somebody else's picture is drawn there. */
function pixelsOf(context: OffscreenCanvasRenderingContext2D, name: string): ImageData {
  const { width, height } = context.canvas
  try {
    return context.getImageData(0, 0, width, height)
  } catch (error) {
    const reason = 'comes from another site, which does not let this page read it'
    throw badImage(name, reason, error)
  }
}

function addressOf(source: string | URL): URL {
  if (source instanceof URL) return source
  if (source.trim() !== '' && URL.canParse(source, document.baseURI))
    return new URL(source, document.baseURI)
  throw badImage(nameOf(source), 'is no address of a picture')
}

async function fetchImage(url: URL, name: string): Promise<Blob> {
  const bytes = await within(IMAGE_FETCH_TIMEOUT_MS, undefined, (signal) =>
    download(url, IMAGE_FILE_BYTES_MAX, signal),
  )
  if (bytes === undefined) throw badImage(name, 'does not exist')
  if (bytes.length === 0) throw badImage(name, 'is empty')
  return new Blob([Uint8Array.from(bytes)])
}
