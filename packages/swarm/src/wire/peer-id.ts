import * as wire from './codec.ts'
import { ED25519_ID_CHARS, ED25519_KEY_BYTES, PEER_IDS_CACHED_MAX } from './limits.ts'
import { isSoundKey } from './sound-key.ts'

/**
 * Peer ids in few bytes. The id of an Ed25519 key is, by libp2p's peer id specification, the key itself
 * (32 bytes) behind six fixed ones, in base58btc: 52 characters. Those travel as the 32 bytes; any other
 * id as its text.
 */
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
/** Identity multihash of 36 bytes, and the protobuf around an Ed25519 key of 32. */
const PREFIX = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20]
const VALUES = new Map([...ALPHABET].map((character, value) => [character, value]))

const keys = new Map<string, Uint8Array | undefined>()
const names = new Map<string, string>()

/** A peer id of at most `max` characters. */
export function peerId<T extends string>(max: number): wire.Field<T> {
  const text = wire.token<T>(max)
  return {
    write(out, value) {
      const key = keyOf(value)
      wire.flag.write(out, key !== undefined)
      if (key === undefined) text.write(out, value)
      else out.raw(key)
    },
    read(from) {
      if (!wire.flag.read(from)) return text.read(from)
      const key = from.raw(ED25519_KEY_BYTES)
      if (!isSoundKey(key)) throw wire.badMessage('a peer is named for an unsound key')
      return peerIdOfKey(key) as T
    },
  }
}

/** Whether a text is the id of a sound Ed25519 key, as every peer of a swarm has one. */
export function isEd25519Id(text: string): boolean {
  return keyOf(text) !== undefined
}

/** The key inside an id; undefined when it is no id of a sound Ed25519 key. */
function keyOf(id: string): Uint8Array | undefined {
  if (id.length !== ED25519_ID_CHARS) return undefined
  return cached(keys, id, () => {
    const bytes = fromBase58(id)
    return bytes && keyIn(bytes)
  })
}

/** The key in the bytes of an id. */
function keyIn(multihash: Uint8Array): Uint8Array | undefined {
  const isKey =
    multihash.length === PREFIX.length + ED25519_KEY_BYTES &&
    PREFIX.every((byte, i) => multihash[i] === byte)
  const key = multihash.subarray(PREFIX.length)
  return isKey && isSoundKey(key) ? key : undefined
}

/** The libp2p peer id in its bytes; undefined where they are no id of a sound Ed25519 key. */
export function peerIdOfMultihash(multihash: Uint8Array): string | undefined {
  const key = keyIn(multihash)
  return key && peerIdOfKey(key)
}

/** The libp2p peer id of an Ed25519 public key of 32 bytes. */
export function peerIdOfKey(key: Uint8Array): string {
  return cached(names, String.fromCharCode(...key), () =>
    toBase58(Uint8Array.from([...PREFIX, ...key])),
  )
}

function cached<T>(cache: Map<string, T>, key: string, make: () => T): T {
  const known = cache.get(key)
  if (known !== undefined || cache.has(key)) return known as T
  if (cache.size >= PEER_IDS_CACHED_MAX) cache.clear()
  const made = make()
  cache.set(key, made)
  return made
}

/** Base 58 to bytes, big-endian, leading 1s as zero bytes; undefined for other characters. */
function fromBase58(text: string): Uint8Array | undefined {
  const bytes: number[] = []
  for (const character of text) {
    let carry = VALUES.get(character)
    if (carry === undefined) return undefined
    for (let i = 0; i < bytes.length; i++) {
      carry += (bytes[i] as number) * 58
      bytes[i] = carry & 0xff
      carry >>= 8
    }
    for (; carry > 0; carry >>= 8) bytes.push(carry & 0xff)
  }
  for (let i = 0; text[i] === '1'; i++) bytes.push(0)
  return Uint8Array.from(bytes.reverse())
}

function toBase58(bytes: Uint8Array): string {
  const digits: number[] = []
  for (const byte of bytes) {
    let carry = byte
    for (let i = 0; i < digits.length; i++) {
      carry += (digits[i] as number) << 8
      digits[i] = carry % 58
      carry = Math.floor(carry / 58)
    }
    for (; carry > 0; carry = Math.floor(carry / 58)) digits.push(carry % 58)
  }
  let text = ''
  for (let i = 0; bytes[i] === 0; i++) text += '1'
  for (const digit of digits.reverse()) text += ALPHABET[digit]
  return text
}
