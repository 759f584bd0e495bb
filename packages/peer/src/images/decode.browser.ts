import { PICTURE_PIXELS_MAX, type Pixels } from '@layerswarm/model'
import { within } from '../deadline.ts'
import { download } from '../store/http.ts'
import { badImage, type ImageSource, isPixels, nameOf } from './image-source.ts'
import { IMAGE_FETCH_TIMEOUT_MS, IMAGE_FILE_BYTES_MAX } from './limits.ts'

/** Pixels of a picture, upright as the camera held it. @throws PeerError `bad-image` or `unreachable`. */
export async function decodeImage(source: ImageSource): Promise<Pixels> {
  if (isPixels(source)) return source
  const name = nameOf(source)
  const isAddress = typeof source === 'string' || source instanceof URL
  const drawable = isAddress ? await fetchImage(addressOf(source), name) : source
  const bitmap = await createImageBitmap(drawable).catch((error: unknown) => {
    throw badImage(name, 'cannot be read as a picture by this browser', error)
  })
  const { width, height } = bitmap
  try {
    if (width * height > PICTURE_PIXELS_MAX) throw badImage(name, 'has too many pixels')
    const context = new OffscreenCanvas(width, height).getContext('2d')
    if (context === null) throw badImage(name, 'cannot be drawn: this browser gives no canvas')
    context.drawImage(bitmap, 0, 0)
    return pixelsOf(context, name)
  } finally {
    bitmap.close()
  }
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
