import { createRandom, type RandomStream } from '../random.ts'
import { bytesOf } from './canvas.ts'
import {
  type Draw,
  drawCar,
  drawClouds,
  drawFace,
  drawGlyph,
  drawLandscape,
  drawNoise,
  drawShapes,
  drawTexture,
} from './drawings.ts'

/** Pictures of something that a model was not trained on. */
export interface ForeignSet {
  readonly name: string
  /** (count, size, size, channels), 0 … 255. */
  readonly pixels: Uint8Array
}

/** The model's own pictures, of which some sets are made, and how many pictures every set gets. */
export interface ForeignNeeds {
  readonly size: number
  readonly channels: number
  /** (…, size, size, channels), one picture or more. */
  readonly own: Uint8Array
  readonly count: number
  readonly seed: number
}

const DRAWN: Readonly<Record<string, Draw>> = {
  noise: drawNoise,
  clouds: drawClouds,
  textures: drawTexture,
  glyphs: drawGlyph,
  shapes: drawShapes,
  landscapes: drawLandscape,
  faces: drawFace,
  cars: drawCar,
}

/** Makes a picture of another one. */
type Alter = (picture: Alterable) => Uint8Array

interface Alterable {
  readonly own: Uint8Array
  readonly size: number
  readonly channels: number
  readonly random: RandomStream
}

const ALTERED: Readonly<Record<string, Alter>> = {
  rotated: turned,
  inverted: ({ own }) => own.map((value) => 255 - value),
  jigsaw,
}

/** The names of all sets, in the order of `foreignSets`. */
export const FOREIGN_SETS: readonly string[] = [...Object.keys(DRAWN), ...Object.keys(ALTERED)]

/**
 * Pictures that a training set of other things does not have, drawn by code, and the model's own
 * ones turned by a quarter, inverted, or cut into four by four pieces that are put together anew. The
 * same seed gives the same pictures.
 */
export function foreignSets(needs: ForeignNeeds): ForeignSet[] {
  return FOREIGN_SETS.map((name) => ({ name, pixels: pixelsOf(name, needs) }))
}

function pixelsOf(name: string, { size, channels, own, count, seed }: ForeignNeeds): Uint8Array {
  const random = createRandom(seed, `foreign ${name}`)
  const bytes = size * size * channels
  const pictures = own.length / bytes
  const pixels = new Uint8Array(count * bytes)
  const ownAt = (index: number): Uint8Array => {
    const start = (index % pictures) * bytes
    return own.subarray(start, start + bytes)
  }
  const [draw, alter] = [DRAWN[name], ALTERED[name]]
  for (let index = 0; index < count; index++) {
    const made =
      alter?.({ own: ownAt(index), size, channels, random }) ??
      (draw === undefined ? ownAt(index) : bytesOf(draw(random, size, channels)))
    pixels.set(made, index * bytes)
  }
  return pixels
}

/** By a quarter or three. */
function turned({ own, size, channels, random }: Alterable): Uint8Array {
  const isLeft = random.below(2) === 0
  return own.map((_, at) => {
    const pixel = Math.floor(at / channels)
    const [x, y] = [pixel % size, Math.floor(pixel / size)]
    const from = isLeft ? x * size + (size - 1 - y) : (size - 1 - x) * size + y
    return own[from * channels + (at % channels)] as number
  })
}

/** Cut into four by four pieces, put together in a drawn order. */
function jigsaw({ own, size, channels, random }: Alterable): Uint8Array {
  const side = Math.floor(size / 4)
  const places = random.permutation(16)
  return own.map((value, at) => {
    const pixel = Math.floor(at / channels)
    const [x, y] = [pixel % size, Math.floor(pixel / size)]
    const [column, row] = [Math.floor(x / side), Math.floor(y / side)]
    if (column > 3 || row > 3) return value
    const place = places[row * 4 + column] as number
    const fromX = (place % 4) * side + (x % side)
    const fromY = Math.floor(place / 4) * side + (y % side)
    return own[(fromY * size + fromX) * channels + (at % channels)] as number
  })
}
