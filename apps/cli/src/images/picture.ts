import { imageTensor, PICTURE_PIXELS_MAX, type Preprocessing, type Tensor } from '@layerswarm/model'
import type { DecodedPicture } from '@layerswarm/trainer'
import sharp, { type Sharp } from 'sharp'
import { CliError } from '../cli-error.ts'
import { readBounded } from '../files.ts'
import { PICTURE_BYTES_MAX } from '../limits.ts'

/** The formats that are decoded; others have decoders with a larger surface. */
const FORMATS = ['png', 'jpeg', 'webp']

/**
 * Reads a picture and makes the stem's input of it, (1, channels, size, size).
 * @throws CliError `not-found`, `bad-file` or `bad-picture`.
 */
export async function readPicture(path: string, preprocessing: Preprocessing): Promise<Tensor> {
  return imageTensor(await decodePicture(path), preprocessing)
}

/**
 * Reads a picture as it will be trained on, transparency on white. With a size it is fitted into
 * a square of so many pixels, black around it. @throws as `readPicture`.
 */
export async function readTrainingPicture(
  path: string,
  size: number | undefined,
): Promise<DecodedPicture> {
  return decodePicture(path, (picture) => {
    const opaque = picture.flatten({ background: '#fff' })
    return size === undefined
      ? opaque
      : opaque.resize(size, size, { fit: 'contain', background: '#000' })
  })
}

async function decodePicture(
  path: string,
  change: (picture: Sharp) => Sharp = (picture) => picture,
): Promise<DecodedPicture> {
  const bytes = await readBounded(path, PICTURE_BYTES_MAX)
  const fail = (reason: string): never => {
    throw new CliError({ code: 'bad-picture', path }, `${path} ${reason}`)
  }
  if (bytes.length === 0) return fail('is empty')
  const options = { limitInputPixels: PICTURE_PIXELS_MAX, failOn: 'error' } as const
  const { format } = await sharp(bytes, options)
    .metadata()
    .catch(() => fail('is no picture that can be read: PNG, JPEG or WebP'))
  if (!FORMATS.includes(format)) return fail(`is a ${format}; PNG, JPEG and WebP can be read`)
  // Upright as the camera held it, 8 bits, red green blue alpha.
  const { data, info } = await change(sharp(bytes, options).rotate())
    .toColourspace('srgb')
    .ensureAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((error: unknown) => fail(`cannot be decoded: ${firstLine(error)}`))
  if (info.channels !== 4) return fail(`has ${info.channels} channels after decoding`)
  return { width: info.width, height: info.height, data }
}

function firstLine(error: unknown): string {
  const [line = ''] = String(error instanceof Error ? error.message : error).split('\n')
  return line
}
