import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { type DBSchema, openDB } from 'idb'
import { PeerError } from '../errors.ts'
import { IDENTITY_SLOTS_MAX } from '../limits.ts'
import type { Identity, OpenIdentity } from './identity.ts'

const DATABASE = 'layerswarm-identity'
const STORE = 'keys'
/** The private keys by slot, as protobuf. */
interface Keys extends DBSchema {
  [STORE]: { key: number; value: Uint8Array }
}

/** Session storage survives a reload and is not shared with other tabs. */
const SLOT_ITEM = 'layerswarm-identity-slot'

/**
 * Keys live in IndexedDB, which all tabs of an origin share; a Web Lock per slot gives each tab a
 * key of its own and gives a reloaded tab its old one. Private windows without storage get a key
 * that lasts as long as the page.
 * @throws PeerError `insecure-context` when the page has no Web Crypto.
 */
export const openIdentity: OpenIdentity = async () => {
  if (!isSecureContext || crypto.subtle === undefined) {
    throw new PeerError(
      { code: 'insecure-context' },
      'this page is not a secure context; open it over https or as http://localhost or http://127.0.0.1',
    )
  }
  try {
    for (const slot of slotsInOrder()) {
      const release = await takeLock(`${DATABASE}/${slot}`)
      if (release === undefined) continue
      const privateKey = await readOrCreate(slot).catch((error: unknown) => {
        release()
        throw error
      })
      sessionStorage.setItem(SLOT_ITEM, String(slot))
      return { privateKey, persistent: true, release: async () => release() }
    }
  } catch {
    // Storage is blocked or full: the peer works, under a new name each time.
  }
  return createTemporary()
}

/** All slots, the one that this tab had before it was reloaded first. */
function slotsInOrder(): number[] {
  const slots = Array.from({ length: IDENTITY_SLOTS_MAX }, (_, slot) => slot)
  const before = Number(sessionStorage.getItem(SLOT_ITEM) ?? Number.NaN)
  return slots.includes(before) ? [before, ...slots.filter((slot) => slot !== before)] : slots
}

async function createTemporary(): Promise<Identity> {
  const privateKey = await generateKeyPair('Ed25519')
  return { privateKey, persistent: false, release: async () => undefined }
}

/** Holds a lock until the returned function is called or the tab is gone; undefined when it is taken. */
function takeLock(name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock === null) return resolve(undefined)
        return new Promise<void>((release) => resolve(release))
      })
      .catch(reject)
  })
}

async function readOrCreate(slot: number): Promise<PrivateKey> {
  const database = await openDB<Keys>(DATABASE, 1, {
    upgrade: (fresh) => void fresh.createObjectStore(STORE),
  })
  try {
    const found: unknown = await database.get(STORE, slot)
    const known = found instanceof Uint8Array ? parseKey(found) : undefined
    if (known !== undefined) return known
    // Nothing there, or a damaged key, which a visitor of a page could not repair.
    const privateKey = await generateKeyPair('Ed25519')
    await database.put(STORE, privateKeyToProtobuf(privateKey), slot)
    return privateKey
  } finally {
    database.close()
  }
}

function parseKey(bytes: Uint8Array): PrivateKey | undefined {
  try {
    const key = privateKeyFromProtobuf(bytes)
    return key.type === 'Ed25519' ? key : undefined
  } catch {
    return undefined
  }
}
