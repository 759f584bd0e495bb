import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { reasonOf, SignalingError, systemCode } from './errors.ts'
import { replaceFile } from './replace-file.ts'

/**
 * The key behind the server's peer id. With a folder it is kept in `identity.key` there, so that
 * the addresses in other people's hands survive a restart; without one it lives in memory.
 * @throws SignalingError `bad-identity` when the file cannot be read, written or understood.
 */
export async function loadIdentity(dataDir: string | undefined): Promise<PrivateKey> {
  if (dataDir === undefined) return generateKeyPair('Ed25519')
  const path = join(dataDir, 'identity.key')
  try {
    const bytes = await readFile(path).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return undefined
      throw error
    })
    return bytes === undefined ? await makeIdentity(dataDir, path) : privateKeyFromProtobuf(bytes)
  } catch (error) {
    throw new SignalingError(
      { code: 'bad-identity', path },
      `the identity in ${path} cannot be used (${reasonOf(error)}); repair it, or delete it to get a new peer id`,
    )
  }
}

async function makeIdentity(dataDir: string, path: string): Promise<PrivateKey> {
  const key = await generateKeyPair('Ed25519')
  await mkdir(dataDir, { recursive: true })
  await replaceFile(path, (draft) => writeFile(draft, privateKeyToProtobuf(key), { mode: 0o600 }))
  return key
}
