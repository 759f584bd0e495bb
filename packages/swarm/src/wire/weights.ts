import { HASH_BYTES, LAYERS_MAX } from '../limits.ts'
import * as wire from './codec.ts'

/** Layers that are hosted, or were run. */
export interface Weighted {
  /** Hash of the manifest of the release that they are of, hex; absent for that of the lane. */
  readonly weights?: string
}

/** @param weights of a release that is not the lane's. */
export function weightedBy(weights: string | undefined): Weighted {
  return weights === undefined ? {} : { weights }
}

/** For each of a row 0 where it is of the lane's release, otherwise its place in `releases`, from 1. */
const marks = wire.record({
  releases: wire.list(wire.hex<string>(HASH_BYTES), LAYERS_MAX),
  places: wire.list(wire.u8(LAYERS_MAX), LAYERS_MAX),
})

/** Whether any of them is of another release than the lane's. */
export function isMixed(row: readonly Weighted[]): boolean {
  return row.some(({ weights }) => weights !== undefined)
}

/** Writes which of a row are of other releases than the lane's: each of these once, in the order in which they come. */
export function writeWeights(out: wire.Writer, row: readonly Weighted[]): void {
  const releases = [...new Set(row.flatMap(({ weights }) => weights ?? []))]
  const places = row.map(({ weights }) =>
    weights === undefined ? 0 : releases.indexOf(weights) + 1,
  )
  marks.write(out, { releases, places })
}

/** Reads what `writeWeights` writes, and nothing else. @throws SwarmError `bad-message`. */
export function readWeights(from: wire.Reader): Weighted[] {
  const { releases, places } = marks.read(from)
  let used = 0
  const row = places.map((place): Weighted => {
    const weights = releases[place - 1]
    if (place > used + 1 || (place > 0 && weights === undefined))
      throw wire.badMessage('a layer of a release that is not named')
    used = Math.max(used, place)
    return weightedBy(weights)
  })
  if (used === 0 || used < releases.length || new Set(releases).size < used)
    throw wire.badMessage('a release that is named in vain')
  return row
}

/** Bytes that `writeWeights` wrote at the beginning of these; for those who skip them. */
export function weightsBytes(bytes: Uint8Array): number {
  const named = 1 + HASH_BYTES * (bytes[0] ?? 0)
  return named + 1 + (bytes[named] ?? 0)
}
