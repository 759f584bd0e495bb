import { PICTURE_PIXELS_MAX, type Pixels } from '@layerswarm/model'
import { within } from '../deadline.ts'
import { download } from '../store/http.ts'
import { badImage, type ImageSource, isPixels } from './image-source.ts'
import { IMAGE_FETCH_TIMEOUT_MS, IMAGE_FILE_BYTES_MAX } from './limits.ts'

/** Pixels of a picture, upright as the camera held it. @throws PeerError `bad-image` or `unreachable`. */
export async function decodeImage(source: ImageSource): Promise<Pixels> {
  if (isPixels(source)) return source
  const isAddress = typeof source === 'string' || source instanceof URL
  const name = isAddress ? String(source) : 'the picture'
  const drawable = isAddress ? await fetchImage(new URL(source, document.baseURI)) : source
  const bitmap = await createImageBitmap(drawable).catch((error: unknown) => {
    throw badImage(name, 'cannot be read as a picture by this browser', error)
  })
  const { width, height } = bitmap
  try {
    if (width * height > PICTURE_PIXELS_MAX) throw badImage(name, 'has too many pixels')
    const context = new OffscreenCanvas(width, height).getContext('2d')
    if (context === null) throw badImage(name, 'cannot be drawn: this browser gives no canvas')
    context.drawImage(bitmap, 0, 0)
    return context.getImageData(0, 0, width, height)
  } finally {
    bitmap.close()
  }
}

async function fetchImage(url: URL): Promise<Blob> {
  const bytes = await within(IMAGE_FETCH_TIMEOUT_MS, undefined, (signal) =>
    download(url, IMAGE_FILE_BYTES_MAX, signal),
  )
  if (bytes === undefined) throw badImage(url.href, 'does not exist')
  return new Blob([Uint8Array.from(bytes)])
}
