import { type Sha256, sha256 } from '@layerswarm/model'
import { SWARM_KEY_CHARS } from '../limits.ts'

/**
 * The key of a private swarm: 32 random bytes in base64url without padding (RFC 4648, section 5). Whoever has
 * it is a member. The text is the key: nothing decodes it.
 */
export type SwarmKey = string & { readonly __brand: 'SwarmKey' }

/** What the fragment of a link begins with that has a key: browsers send no server what stands there. */
const IN_LINK = '#key='

const KEY = new RegExp(`^[A-Za-z0-9_-]{${SWARM_KEY_CHARS}}$`)

/** The key, or undefined for what cannot be one. */
export function parseSwarmKey(value: unknown): SwarmKey | undefined {
  return typeof value === 'string' && KEY.test(value) ? (value as SwarmKey) : undefined
}

/**
 * What both ends of a connection put in front of its handshake (the prologue of the Noise framework, revision
 * 34, section 6), so that it fails between a member and anybody else. Empty for a swarm that is open to all.
 */
export function swarmPrologue(key: SwarmKey | undefined): Uint8Array {
  if (key === undefined) return new Uint8Array()
  return ascii(`layerswarm private swarm 1 ${digestOf('prologue', key)}`)
}

/**
 * What a private swarm is told apart by. Servers tell it to everybody: it says nothing of the key, and a peer
 * with another one finds out before it connects.
 */
export function swarmId(key: SwarmKey): Sha256 {
  return digestOf('id', key)
}

function digestOf(purpose: string, key: SwarmKey): Sha256 {
  return sha256(ascii(`layerswarm swarm key, ${purpose}: ${key}`))
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0))
}

/** A URL with the key in its fragment. @param url without a fragment. */
export function linkWithKey(url: string, key: SwarmKey): string {
  const slash = /^[a-z]+:\/\/[^/]*$/.test(url) ? '/' : ''
  return `${url}${slash}${IN_LINK}${key}`
}

/** What stands where a link has its key, good or bad; undefined where nothing does. */
export function keyInLink(url: string): string | undefined {
  const start = url.indexOf(IN_LINK)
  return start < 0 ? undefined : url.slice(start + IN_LINK.length)
}

/** A link as it may be shown and logged. */
export function withoutKey(url: string): string {
  return url.replace(/#.*$/s, '')
}
