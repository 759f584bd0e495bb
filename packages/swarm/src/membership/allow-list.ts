import { SwarmError } from '../errors.ts'
import { ALLOW_LIST_PEERS_MAX } from '../limits.ts'
import { ED25519_KEY_BYTES } from '../wire/limits.ts'
import { isEd25519Id, peerIdOfKey } from '../wire/peer-id.ts'

/** Who is let in, by peer id: a handshake proves it. */
export interface AllowList {
  admits(peer: string): boolean
  /** From now on these, and nobody else. */
  replace(peers: ReadonlySet<string>): void
  /** Tells of each replacement, once it holds. Returns what ends that. */
  onChange(listener: () => void): () => void
}

/** A list of these peers. */
export function createAllowList(peers: ReadonlySet<string>): AllowList {
  const listeners = new Set<() => void>()
  let admitted = peers
  return {
    admits: (peer) => admitted.has(peer),
    replace(next) {
      admitted = next
      for (const listener of listeners) listener()
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

const KEY = new RegExp(`^[0-9a-fA-F]{${2 * ED25519_KEY_BYTES}}$`)

/**
 * Reads a list: on each line a peer id, or an Ed25519 public key in hex. What stands behind `#` is a comment, and lines
 * without anything else are skipped.
 * @throws SwarmError `bad-allow-list` naming the first line that is neither, or a list of more than ALLOW_LIST_PEERS_MAX.
 */
export function parseAllowList(text: string): ReadonlySet<string> {
  const peers = new Set<string>()
  for (const [index, line] of text.split('\n').entries()) {
    const word = line.replace(/#.*$/s, '').trim()
    if (word === '') continue
    const peer = peerIn(word)
    if (peer === undefined)
      throw bad(
        index + 1,
        `line ${index + 1} is "${word.slice(0, 60)}" and must be a peer id (12D3KooW…) or a public key of 64 hex digits`,
      )
    peers.add(peer)
    if (peers.size > ALLOW_LIST_PEERS_MAX)
      throw bad(index + 1, `it names more than ${ALLOW_LIST_PEERS_MAX} peers`)
  }
  return peers
}

function peerIn(word: string): string | undefined {
  if (isEd25519Id(word)) return word
  if (!KEY.test(word)) return undefined
  const digits = word.match(/../g) ?? []
  return peerIdOfKey(Uint8Array.from(digits, (pair) => Number.parseInt(pair, 16)))
}

function bad(line: number, message: string): SwarmError {
  return new SwarmError({ code: 'bad-allow-list', line }, message)
}
