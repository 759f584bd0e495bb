import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileReason } from '@layerswarm/model'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { reasonOf, SignalingError, systemCode } from './errors.ts'
import { makeFolder, replaceFile } from './replace-file.ts'

/**
 * The key behind the server's peer id. With a folder it is kept in `identity.key` there, so that
 * the addresses in other people's hands survive a restart; without one it lives in memory.
 * @throws SignalingError `bad-identity` when the file cannot be read, written or understood.
 */
export async function loadIdentity(dataDir: string | undefined): Promise<PrivateKey> {
  if (dataDir === undefined) return generateKeyPair('Ed25519')
  const path = join(dataDir, 'identity.key')
  const bad = (reason: string) => new SignalingError({ code: 'bad-identity', path }, reason)
  let bytes: Uint8Array | undefined
  try {
    bytes = await readKept(path)
    if (bytes === undefined) return await makeIdentity(dataDir, path)
  } catch (error) {
    throw bad(
      `the identity cannot be kept in ${path}: ${fileReason(error)}; name a folder with --data that this user can read and write, with room left`,
    )
  }
  if (bytes.length === 0) {
    throw bad(
      `the identity in ${path} is an empty file; put a copy in its place, or delete it to get a new peer id`,
    )
  }
  try {
    return privateKeyFromProtobuf(bytes)
  } catch (error) {
    throw bad(
      `the identity in ${path} is damaged (${reasonOf(error)}); put a copy in its place, or delete it to get a new peer id`,
    )
  }
}

async function readKept(path: string): Promise<Uint8Array | undefined> {
  return readFile(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  })
}

async function makeIdentity(dataDir: string, path: string): Promise<PrivateKey> {
  const key = await generateKeyPair('Ed25519')
  await makeFolder(dataDir)
  await replaceFile(path, (draft) => writeFile(draft, privateKeyToProtobuf(key), { mode: 0o600 }))
  return key
}
