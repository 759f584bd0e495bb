import {
  foregroundOfPicture,
  type Pixels,
  type Preparation,
  preparePicture,
  type Resize,
} from '@layerswarm/model'
import type { DecodePicture } from './image-folder.ts'
import { commonForeground, type Foreground } from './foreground.ts'

/**
 * How pictures are fitted when nobody says otherwise: whole, in proportion, with black around them.
 * It is written into the release, so that pictures are asked as they were trained on.
 */
export const TRAINING_RESIZE: Resize = Object.freeze({
  mode: 'letterbox',
  fill: 'black',
  filter: 'bilinear',
})

/** A picture as bytes (size, size, channels), and what it shows. */
export interface PreparedPicture {
  readonly bytes: Uint8Array
  readonly shown: Foreground
  /** Whether it was transparent somewhere: what lies behind depends on what the data set shows. */
  readonly isClear: boolean
  /** Its own width and height, before it was fitted. */
  readonly width: number
  readonly height: number
}

/** Decodes and prepares one file. @throws what `decode` throws; ModelError `bad-picture`. */
export async function prepareFile(
  path: string,
  decode: DecodePicture,
  preparation: Preparation,
): Promise<PreparedPicture> {
  const pixels = await decode(path, preparation)
  const { width, height } = pixels.whole ?? pixels
  const shown = foregroundOfPicture(pixels)
  return { bytes: preparePicture(pixels, preparation), shown, isClear: isClear(pixels), width, height }
}

/** What grey pictures show in common. */
export function foregroundOfPictures(pictures: readonly PreparedPicture[]): Foreground {
  return commonForeground(pictures.map(({ shown }) => shown))
}

/** Whether a picture comes out otherwise when it is prepared for a model of this foreground than for `any`. */
export function isOtherwise({ shown, isClear }: PreparedPicture, foreground: Foreground): boolean {
  if (foreground === 'any') return false
  return isClear || (shown !== 'any' && shown !== foreground)
}

function isClear({ data }: Pixels): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return true
  return false
}
