import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { cannotWrite, makeFolder } from '@layerswarm/trainer'
import { CliError } from '../cli-error.ts'
import { exists, readBounded } from '../files.ts'
import { KEY_FILE_BYTES_MAX } from '../limits.ts'

/**
 * Reads an Ed25519 private key (32 bytes, 64 hex digits), or makes one that only its owner can read.
 * @throws CliError `bad-file` when the file holds no key; TrainerError `cannot-write`.
 */
export async function readOrCreateKey(
  path: string,
): Promise<{ key: Uint8Array; created: boolean }> {
  if (await exists(path)) {
    const text = new TextDecoder().decode(await readBounded(path, KEY_FILE_BYTES_MAX)).trim()
    if (!/^[0-9a-f]{64}$/.test(text)) {
      throw new CliError(
        { code: 'bad-file', path },
        `${path} is no publisher key: one line of 64 hex digits`,
      )
    }
    return { key: Buffer.from(text, 'hex'), created: false }
  }
  const key = randomBytes(32)
  await makeFolder(dirname(path))
  // `wx`: never over a key that someone else has just made.
  await writeFile(path, `${key.toString('hex')}\n`, { mode: 0o600, flag: 'wx' }).catch(
    async (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw error
      await rm(path, { force: true })
      throw cannotWrite(path, error)
    },
  )
  return { key, created: true }
}
