import { expect, test } from 'vitest'
import { fetchFault } from './fetch-fault.ts'

function failed(message: string, code?: string): Error {
  const cause = Object.assign(new Error(message), code === undefined ? {} : { code })
  return new TypeError('fetch failed', { cause })
}

test.each([
  [failed('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED'), 'connect ECONNREFUSED 127.0.0.1:1'],
  [failed('', 'ECONNRESET'), 'ECONNRESET'],
  [failed(''), 'fetch failed'],
  [new TypeError('Failed to fetch'), 'Failed to fetch'],
  ['no error', 'no error'],
  [
    failed(
      '80:error:0A00010B:SSL routines:f:wrong version number:x.c:350:',
      'ERR_SSL_WRONG_VERSION_NUMBER',
    ),
    'no TLS is spoken there; does its address begin with http:?',
  ],
  [failed('80:error:0A000410:SSL routines::handshake failure:x.c:1:'), 'handshake failure'],
])('why %s is said without numbers', (error, words) => {
  expect(fetchFault(error)).toBe(words)
})

test('a certificate that nobody vouches for comes with how to trust it', () => {
  const words = fetchFault(failed('self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'))
  expect(words).toMatch(/^self-signed certificate; to trust .* NODE_EXTRA_CA_CERTS=FILE\.pem/)
})
