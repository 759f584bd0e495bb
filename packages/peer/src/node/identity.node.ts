import { open, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileReason } from '@layerswarm/model'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { PeerError } from '../errors.ts'
import { IDENTITY_SLOTS_MAX } from '../limits.ts'
import type { Identity, OpenIdentity } from './identity.ts'
import { makeFolder, replaceFile } from './replace-file.node.ts'
import { withPreparedSigning } from './signing-key.node.ts'

/**
 * Keys are files `identity-N.key`, readable by their owner only; `identity-N.lock` names the process
 * that uses one.
 * @throws PeerError `bad-identity` when a key exists and cannot be read, is empty or is damaged, or the folder
 * cannot be written to. No key that is there is ever replaced.
 */
export const openIdentity: OpenIdentity = async (dataDir) => {
  if (dataDir === undefined) return createTemporary()
  await inFolder(dataDir, () => makeFolder(dataDir, 0o700))
  for (let slot = 0; slot < IDENTITY_SLOTS_MAX; slot++) {
    const lock = join(dataDir, `identity-${slot}.lock`)
    if (!(await inFolder(dataDir, () => takeLock(lock)))) continue
    try {
      const privateKey = withPreparedSigning(
        await readOrCreate(dataDir, join(dataDir, `identity-${slot}.key`)),
      )
      return { privateKey, persistent: true, release: () => rm(lock, { force: true }) }
    } catch (error) {
      await rm(lock, { force: true })
      throw error
    }
  }
  return createTemporary()
}

async function createTemporary(): Promise<Identity> {
  const privateKey = withPreparedSigning(await generateKeyPair('Ed25519'))
  return { privateKey, persistent: false, release: async () => undefined }
}

/** @throws PeerError `bad-identity` that names the folder and what is in the way. */
async function inFolder<R>(dataDir: string, work: () => Promise<R>): Promise<R> {
  try {
    return await work()
  } catch (error) {
    throw new PeerError(
      { code: 'bad-identity', path: dataDir },
      `the peer's key cannot be kept in ${dataDir}: ${fileReason(error)}; name a folder that this user can write to, with room left, or none for a key that ends with the process`,
      { cause: error },
    )
  }
}

async function readOrCreate(dataDir: string, path: string): Promise<Ed25519PrivateKey> {
  const bytes = await readIfThere(path)
  if (bytes !== undefined) return parseKey(bytes, path)
  const privateKey = await generateKeyPair('Ed25519')
  const bytesOfKey = privateKeyToProtobuf(privateKey)
  await inFolder(dataDir, () =>
    replaceFile(path, (draft) => writeFile(draft, bytesOfKey, { mode: 0o600 })),
  )
  return privateKey
}

function parseKey(bytes: Uint8Array, path: string): Ed25519PrivateKey {
  try {
    const key = privateKeyFromProtobuf(bytes)
    if (key.type === 'Ed25519') return key
  } catch {
    // Not a key at all: the same advice as for a key of another kind.
  }
  const state = bytes.length === 0 ? 'is an empty file' : 'is damaged'
  throw new PeerError(
    { code: 'bad-identity', path },
    `the peer's key ${path} ${state}; delete it to get a new peer id, or restore it from a backup`,
  )
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new PeerError(
      { code: 'bad-identity', path },
      `the peer's key ${path} cannot be read: ${fileReason(error)}; check its owner and mode`,
      { cause: error },
    )
  }
}

/** Takes a lock file for this process. One of a process that is gone is taken over. */
async function takeLock(path: string): Promise<boolean> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await create(path, String(process.pid))
      return true
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    if (await ownerLives(path)) return false
    await unlink(path).catch(() => undefined)
  }
  return false
}

/** @throws Error of the file system; what it made is gone then. */
async function create(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
  } catch (error) {
    await unlink(path).catch(() => undefined)
    throw error
  } finally {
    await file.close()
  }
}

async function ownerLives(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
