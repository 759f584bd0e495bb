/**
 * Activations of symbols, for tests and simulations in which only time and truth matter: the first
 * bytes say which layers were applied, in their order, so that anybody can tell whether an answer
 * was computed as its route says. Bytes: [count of layers, mark of lies, nonce (4, big-endian), one
 * byte per applied layer, zeros].
 */

import type { EncodedActivation } from '@layerswarm/model'
import type { RoundArithmetic } from '../audits/round-arithmetic.ts'
import { LAYERS_MAX } from '../limits.ts'
import { SHOWING_MARKS_END } from './limits.ts'

/** Where the symbols stand, and what the head says first when some hop was a lie: no layer has that number. */
const LAYOUT = { count: 0, taint: 1, nonce: 2, layers: 6, taintedScore: -1 } as const
/** Beyond this many bytes a symbolic activation is zeros. */
export const SYMBOLS_BYTES: number = LAYOUT.layers + LAYERS_MAX

/**
 * The stem's output of a request: no layer applied, no lie told.
 * @param bytes its whole size, at least 6 and one per layer of the model.
 * @param nonce below 2^32, so that it differs from other requests.
 */
export function symbolicStem(bytes: number, nonce: number): Uint8Array {
  const stem = new Uint8Array(bytes)
  new DataView(stem.buffer).setUint32(LAYOUT.nonce, nonce)
  return stem
}

/** The layers that an activation went through, in their order. */
export function layersIn(bytes: Uint8Array): number[] {
  return [...bytes.subarray(LAYOUT.layers, LAYOUT.layers + (bytes[LAYOUT.count] as number))]
}

/** A copy with one more layer applied. */
export function applied(layer: number, input: Uint8Array): Uint8Array {
  const bytes = input.slice()
  const count = bytes[LAYOUT.count] as number
  bytes[LAYOUT.layers + count] = layer
  bytes[LAYOUT.count] = count + 1
  return bytes
}

/** A copy of an activation (B, T, C) with one more layer applied to each of its images. */
export function appliedToAll(
  layer: number,
  { bytes, shape }: Pick<EncodedActivation, 'bytes' | 'shape'>,
): Uint8Array {
  const images = shape[0]
  if (images === 1) return applied(layer, bytes)
  const result = new Uint8Array(bytes.length)
  for (const [at, image] of imagesOf({ bytes, shape })) result.set(applied(layer, image), at)
  return result
}

/** What the head makes of an activation (B, T, C): one row per image. */
export function symbolicRows(activation: Pick<EncodedActivation, 'bytes' | 'shape'>): number[][] {
  return imagesOf(activation).map(([, image]) => symbolicLogits(image))
}

/** The bytes of each image of a batch, and where they begin. */
function imagesOf({
  bytes,
  shape: [images],
}: Pick<EncodedActivation, 'bytes' | 'shape'>): [number, Uint8Array][] {
  const size = bytes.length / images
  return Array.from({ length: images }, (_, i) => [
    i * size,
    bytes.subarray(i * size, (i + 1) * size),
  ])
}

/**
 * A copy that a lie went into: it stays in everything that is computed from it.
 * @param mark from 1 to 255: two lies agree where theirs are the same.
 */
export function tainted(bytes: Uint8Array, mark = 1): Uint8Array {
  const lied = bytes.slice()
  lied[LAYOUT.taint] = mark
  return lied
}

/** Whether no lie that would show in the size of its step was told between these. */
export function isSymbolicStep(input: EncodedActivation, output: EncodedActivation): boolean {
  const [before, after] = [
    input.bytes[LAYOUT.taint] as number,
    output.bytes[LAYOUT.taint] as number,
  ]
  return after === before || after >= SHOWING_MARKS_END
}

/**
 * The arithmetic of rounds for symbols: a sum is an activation with the layers that its outputs have beyond their
 * input, in their order, and adding sums applies those layers one after the other. A lie stays in what comes of it.
 */
export const symbolicArithmetic: RoundArithmetic = {
  summing(input) {
    const size = input.bytes.length / input.shape[0]
    const sum = input.bytes.slice()
    for (let at = 0; at < sum.length; at += size) sum[at + LAYOUT.count] = 0
    return {
      take(output) {
        for (const [at, image] of imagesOf(output)) {
          const before = input.bytes[at + LAYOUT.count] as number
          for (const layer of layersIn(image).slice(before))
            append(sum.subarray(at, at + size), layer)
          mark(sum.subarray(at), image[LAYOUT.taint] as number)
        }
      },
      sum: () => ({ ...input, bytes: sum }),
    }
  },
  add(input, sums) {
    const bytes = input.bytes.slice()
    const size = bytes.length / input.shape[0]
    for (const sum of sums) {
      if (sum.bytes.length !== bytes.length) return undefined
      for (const [at, image] of imagesOf({ bytes: sum.bytes, shape: input.shape })) {
        for (const layer of layersIn(image)) append(bytes.subarray(at, at + size), layer)
        mark(bytes.subarray(at), image[LAYOUT.taint] as number)
      }
    }
    return { ...input, bytes }
  },
  // Layers of a round have no order among them.
  agree: (a, b) =>
    a.bytes.length === b.bytes.length &&
    a.bytes[LAYOUT.taint] === b.bytes[LAYOUT.taint] &&
    layersIn(a.bytes).sort().join() === layersIn(b.bytes).sort().join(),
}

function append(image: Uint8Array, layer: number): void {
  const count = image[LAYOUT.count] as number
  if (LAYOUT.layers + count >= image.length) return
  image[LAYOUT.layers + count] = layer
  image[LAYOUT.count] = count + 1
}

function mark(image: Uint8Array, taint: number): void {
  if (taint !== 0) image[LAYOUT.taint] = taint
}

/** Whether two activations are the same symbols: what is within the tolerance of engines for real ones. */
export function symbolsAgree(a: EncodedActivation, b: EncodedActivation): boolean {
  return a.bytes.length === b.bytes.length && a.bytes.every((byte, i) => byte === b.bytes[i])
}

/** Whether any hop of an activation was a lie. */
export function isTaintedBytes(bytes: Uint8Array): boolean {
  return bytes[LAYOUT.taint] !== 0
}

/** What the head makes of an activation: its layers as scores, after a mark when a lie is in it. */
export function symbolicLogits(bytes: Uint8Array): number[] {
  const layers = layersIn(bytes)
  return isTaintedBytes(bytes) ? [LAYOUT.taintedScore, ...layers] : layers
}

/** Whether any hop of an answer was a lie. @param logits of one image. */
export function isTainted(logits: readonly number[]): boolean {
  return logits[0] === LAYOUT.taintedScore
}

/** The layers that an answer was really computed with, in their order. @param logits of one image. */
export function trueRoute(logits: readonly number[]): readonly number[] {
  return isTainted(logits) ? logits.slice(1) : logits
}
