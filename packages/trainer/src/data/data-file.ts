import { readFile } from 'node:fs/promises'
import { TrainerError } from '../errors.ts'

/** What is said of a file whose end is missing, after "it". */
export const CUT_OFF = 'is cut off: its end is missing; copy or download it again'

/** @throws TrainerError `bad-data` naming the file. */
export function failData(file: string, message: string): never {
  throw new TrainerError({ code: 'bad-data', file }, `${file}: ${message}`)
}

/** The bytes of a file, undefined when it is not there. @throws TrainerError `bad-data`. */
export async function readOptional(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    failData(file, `cannot be read (${error instanceof Error ? error.message : error})`)
  }
}
