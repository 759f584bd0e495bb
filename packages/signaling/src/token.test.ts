import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createToken, isHashedToken } from './token.ts'

const SECRET = 'correct-horse-battery'
const HASH = `sha256:${createHash('sha256').update(SECRET).digest('hex')}`

describe('a token', () => {
  test.each([SECRET, HASH])('kept as %s lets in who brings it, and nobody else', (kept) => {
    const token = createToken(kept)
    expect(token.isAllowed(`Bearer ${SECRET}`)).toBe(true)
    expect(token.isAllowed(`bearer ${SECRET}`)).toBe(true)
    for (const other of [undefined, '', SECRET, 'Bearer ', `Bearer ${SECRET}x`, `Basic ${SECRET}`])
      expect(token.isAllowed(other)).toBe(false)
  })

  test('is not its own hash: whoever reads the file of a server cannot upload', () => {
    expect(createToken(HASH).isAllowed(`Bearer ${HASH}`)).toBe(false)
  })

  test.each([
    [HASH, true],
    [SECRET, false],
    [HASH.toUpperCase(), false],
    [HASH.slice(0, -1), false],
  ])('%s is a hash: %s', (text, isHash) => {
    expect(isHashedToken(text)).toBe(isHash)
  })
})
