/** Decoding of picture files alone, without a swarm: by a browser itself, in Node by the package sharp. */
import type { Pixels, Preparation } from '@layerswarm/model'
import { decodeImage as decode } from '#images'
import type { ImageSource } from './image-source.ts'

export { PeerError } from '../errors.ts'
export type { ImageSource } from './image-source.ts'

/**
 * Pixels of a picture, upright as the camera held it, of a moving one the first: what `preparePicture`
 * and `imageTensor` of `@layerswarm/model` take.
 * @param preparation what they are for: a picture of more than four million pixels is shrunk while it is
 * decoded, as far as that allows it.
 * @throws PeerError `bad-image` or `unreachable`.
 */
export function decodeImage(source: ImageSource, preparation?: Preparation): Promise<Pixels> {
  return decode(source, preparation)
}
