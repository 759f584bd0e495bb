import { argmax, type Pixels } from '@layerswarm/model'
import type { Answer } from '@layerswarm/swarm'
import { PeerError } from '../errors.ts'
import { IMAGE_NAME_CHARS_MAX } from './limits.ts'

/** A class of browsers by its name; nothing in a program that is compiled without their types. */
type InPages<Name extends string> =
  typeof globalThis extends Record<Name, { prototype: infer Instance }> ? Instance : never

/**
 * A picture as people have it. A text is an address; in Node, unless it begins like one, the path of
 * a file. `Pixels` are an ImageData, or the same from elsewhere. Canvases and what can be drawn on
 * them are a browser's: `InPages` leaves them out of a program that is compiled without its types.
 */
export type ImageSource =
  | string
  | URL
  | Blob
  | Pixels
  | InPages<'HTMLCanvasElement'>
  | InPages<'OffscreenCanvas'>
  | InPages<'HTMLImageElement'>
  | InPages<'ImageBitmap'>

/** What a swarm says of one picture. */
export interface ImageAnswer extends Answer {
  /** The most probable class, by its name in the release. */
  readonly label: string
  /** Its probability, 0 … 1. */
  readonly confidence: number
}

/** The name of the most probable class beside the answer; of one picture, the first row. */
export function withLabel(answer: Answer, labels: readonly string[]): ImageAnswer {
  const [row = []] = answer.probabilities
  const best = argmax(row)
  return { ...answer, label: labels[best] ?? `class ${best}`, confidence: row[best] ?? 0 }
}

/** Whether a source is decoded already. @param source as scripts hand it over, which no compiler has read. */
export function isPixels(source: unknown): source is Pixels {
  if (typeof source !== 'object' || source === null || !('data' in source)) return false
  const { data } = source
  return data instanceof Uint8ClampedArray || data instanceof Uint8Array
}

/** What a picture is called in messages: an address can be the whole of it. */
export function nameOf(source: unknown): string {
  const isAddress = typeof source === 'string' || source instanceof URL
  const name = isAddress ? String(source) : 'the picture'
  if (name.trim() === '') return 'an empty text'
  return name.length <= IMAGE_NAME_CHARS_MAX ? name : `${name.slice(0, IMAGE_NAME_CHARS_MAX)}…`
}

/** What to throw of a picture that cannot be used. @param reason follows the picture's name. */
export function badImage(name: string, reason: string, cause?: unknown): PeerError {
  const message = `${name} ${reason}`
  return new PeerError({ code: 'bad-image', reason }, message, { cause })
}
