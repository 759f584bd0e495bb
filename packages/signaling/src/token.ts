import { createHash, timingSafeEqual } from 'node:crypto'

/** A secret that a client must know, as `Authorization: Bearer …` (RFC 6750, 2.1). */
export interface Token {
  isAllowed(authorization: string | undefined): boolean
}

/** What stands before the hash of a token, in hex, where its holder keeps no more than that. */
const HASHED = /^sha256:([0-9a-f]{64})$/

/** Whether a text is the hash of a token and not a token itself, which nobody can get from it. */
export function isHashedToken(text: string): boolean {
  return HASHED.test(text)
}

/**
 * How long a comparison takes says nothing about the secret: hashes are compared, all of their bytes.
 * @param text the token itself, or `sha256:` and its SHA-256 in hex. A token is random text of 16 characters
 * or more, which no dictionary has: one round of hashing is enough.
 */
export function createToken(text: string): Token {
  const hash = HASHED.exec(text)?.[1]
  const secret = hash === undefined ? digest(text) : Buffer.from(hash, 'hex')
  return {
    isAllowed(authorization) {
      const given = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1]
      return given !== undefined && timingSafeEqual(digest(given), secret)
    },
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
