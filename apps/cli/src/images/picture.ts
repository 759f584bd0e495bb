import {
  imageTensor,
  type Pixels,
  type Preparation,
  type Preprocessing,
  type Tensor,
} from '@layerswarm/model'
import { decodeImage, PeerError } from '@layerswarm/peer/images'
import { CliError } from '../cli-error.ts'
import { readBounded } from '../files.ts'
import { PICTURE_BYTES_MAX } from '../limits.ts'

/**
 * Reads a picture and makes the stem's input of it, (1, channels, size, size).
 * @throws CliError `not-found`, `bad-file` or `bad-picture`.
 */
export async function readPicture(path: string, preprocessing: Preprocessing): Promise<Tensor> {
  return imageTensor(await readPixels(path, preprocessing), preprocessing)
}

/**
 * Decodes a picture file as every other member of a swarm does. @param preparation what the pixels
 * are for, without which large pictures are not shrunk.
 * @throws CliError `not-found`, `bad-file` or `bad-picture`.
 */
export async function readPixels(
  path: string,
  preparation: Preparation | undefined,
): Promise<Pixels> {
  const bytes = await readBounded(path, PICTURE_BYTES_MAX)
  return decodeImage(new Blob([Uint8Array.from(bytes)]), preparation).catch((error: unknown) => {
    if (!(error instanceof PeerError) || error.fault.code !== 'bad-image') throw error
    throw new CliError({ code: 'bad-picture', path }, `${path} ${error.fault.reason}`)
  })
}
