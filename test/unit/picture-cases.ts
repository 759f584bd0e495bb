import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** The pictures of test/vectors/preprocessing, and what Pillow makes of them. */
export interface PictureCases {
  /** A picture and a configuration, as "61x40|vit". */
  readonly cases: readonly string[]
  /** What a preprocessor_config.json holds, by its name. */
  readonly configs: Readonly<Record<string, unknown>>
  /** The bytes (32, 32, 3) of a case. */
  bytesOf(name: string): Uint8Array
  /** Where the file of a picture lies. */
  fileOf(picture: string): string
}

const CASE_BYTES = 32 * 32 * 3

/** Reads the cases. @throws Error when a file is not there. */
export async function loadPictureCases(): Promise<PictureCases> {
  const folder = new URL('../vectors/preprocessing/', import.meta.url)
  const { cases, configs } = JSON.parse(await readFile(new URL('cases.json', folder), 'utf8'))
  const pixels = await readFile(new URL('pixels.bin', folder))
  return {
    cases,
    configs,
    bytesOf(name) {
      const at = cases.indexOf(name) * CASE_BYTES
      return Uint8Array.from(pixels.subarray(at, at + CASE_BYTES))
    },
    fileOf: (picture) => fileURLToPath(new URL(`${picture}.png`, folder)),
  }
}
