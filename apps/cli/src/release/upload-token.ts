import { CliError } from '../cli-error.ts'
import { readBounded } from '../files.ts'

const TOKEN_FILE_BYTES_MAX = 1_024

/** Reads the secret that uploads need from a file of one line. @throws CliError `bad-file` or `not-found`. */
export async function readTokenFile(path: string): Promise<string> {
  const text = new TextDecoder().decode(await readBounded(path, TOKEN_FILE_BYTES_MAX)).trim()
  if (isToken(text)) return text
  throw new CliError(
    { code: 'bad-file', path },
    `${path} holds no upload token: one line of 16 to 256 letters, digits or signs without spaces`,
  )
}

/** Long enough not to be guessed, and fit for an HTTP header. */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]{16,256}$/.test(text)
}
