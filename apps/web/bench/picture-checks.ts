import { type Preprocessing, preparePicture } from '@layerswarm/model'
import { decodeImage } from '@layerswarm/peer/images'

/**
 * What a tab makes of a picture file.
 * @param file base64.
 * @returns bytes (size, size, channels), or the line with which it is refused.
 * @throws what is no refusal.
 */
export async function preparedBytes(
  file: string,
  preprocessing: Preprocessing,
): Promise<number[] | string> {
  const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0))
  try {
    const pixels = await decodeImage(new Blob([bytes]), preprocessing)
    return [...preparePicture(pixels, preprocessing)]
  } catch (error) {
    if (error instanceof Error && error.name === 'PeerError') return error.message
    throw error
  }
}
