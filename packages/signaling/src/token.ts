import { createHash, timingSafeEqual } from 'node:crypto'

/** A secret that a client must know, as `Authorization: Bearer …` (RFC 6750, 2.1). */
export interface Token {
  isAllowed(authorization: string | undefined): boolean
}

/** How long a comparison takes says nothing about the secret. */
export function createToken(text: string): Token {
  const secret = digest(text)
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
