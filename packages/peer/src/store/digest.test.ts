import { sha256 } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { HASHED_AT_ONCE_BYTES_MAX } from '../limits.ts'
import * as browser from './digest.browser.ts'
import * as node from './digest.node.ts'

const SIZES = [0, 1, 6_400, HASHED_AT_ONCE_BYTES_MAX, HASHED_AT_ONCE_BYTES_MAX + 1]

describe.each([
  ['Node', node.hashOf],
  ['a browser', browser.hashOf],
])('the hash of bytes in %s', (_, hashOf) => {
  test.each(SIZES)('is their SHA-256, of %i bytes too', async (size) => {
    const bytes = Uint8Array.from({ length: size }, (_, at) => at % 251)
    expect(await hashOf(bytes)).toBe(sha256(bytes))
    // A view into a larger buffer, as the network gives them.
    expect(await hashOf(bytes.subarray(size >> 1))).toBe(sha256(bytes.slice(size >> 1)))
  })
})
