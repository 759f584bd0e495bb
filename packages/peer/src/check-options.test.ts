import { describe, expect, test } from 'vitest'
import { checkOptions } from './check-options.ts'
import { PEER_DEFAULTS, type PeerOptions } from './options.ts'

const join = 'http://127.0.0.1:9000'

/** As a script without types hands them over. */
function checked(given: object): PeerOptions {
  return checkOptions({ ...PEER_DEFAULTS, ...given } as PeerOptions)
}

describe('the options of a peer', () => {
  test.each([
    { join },
    { join: [join, 'https://two.example/'] },
    { join, serve: [0, 2], iceServers: [{ urls: ['stun:a', 'stun:b'] }, { urls: 'turn:c' }] },
    { join, host: undefined, release: 'tiny', trustedPublishers: [], dataDir: 'data' },
  ])('may be %o', (given) => {
    expect(checked(given)).toMatchObject(given)
  })

  test.each([
    ['join', {}],
    ['join', { join: null }],
    ['join', { join: new URL(join) }],
    ['join', { join: [5] }],
    ['serve', { join, serve: '1,2' }],
    ['serve', { join, serve: 3 }],
    ['serve', { join, serve: [-1] }],
    ['serve', { join, serve: [{ toString: null }] }],
    ['engine', { join, engine: null }],
    ['policy', { join, policy: null }],
    ['policy', { join, policy: 'constructor' }],
    ['release', { join, release: 5 }],
    ['trustedPublishers', { join, trustedPublishers: 'ab' }],
    ['dataDir', { join, dataDir: 5 }],
    ['host', { join, host: null }],
    ['announce', { join, announce: '/ip4/1.2.3.4/tcp/1' }],
    ['iceServers', { join, iceServers: {} }],
    ['iceServers', { join, iceServers: [null] }],
    ['iceServers', { join, iceServers: [{}] }],
    ['iceServers', { join, iceServers: [{ urls: [] }] }],
    ['iceServers', { join, iceServers: [{ urls: 'http://a' }] }],
    ['webrtc', { join, webrtc: 'no' }],
    ['wireDtype', { join, wireDtype: 'float8' }],
    ['beforeEngine', { join, beforeEngine: Promise.resolve() }],
    ['wrapTransport', { join, wrapTransport: null }],
    ['capacity', { join, capacity: undefined }],
    ['timeShare', { join, timeShare: '1' }],
    ['port', { join, port: '9100' }],
  ])('are refused in one line that names %s: %o', (field, given) => {
    const error: unknown = (() => {
      try {
        return checked(given)
      } catch (thrown) {
        return thrown
      }
    })()
    expect(error).toMatchObject({
      fault: { code: 'bad-options', field },
      message: expect.stringContaining(field),
    })
  })
})
