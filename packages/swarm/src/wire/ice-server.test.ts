import { describe, expect, test } from 'vitest'
import { ICE_TEXT_CHARS_MAX } from '../limits.ts'
import { iceHost, parseIceServer } from './ice-server.ts'

const key = { username: 'user', credential: 'secret' }

describe('an ICE server', () => {
  test.each([
    [{ urls: 'stun:stun.example' }, 'stun.example'],
    [{ urls: 'stun:192.0.2.1:3478' }, '192.0.2.1'],
    [{ urls: 'stuns:[2001:db8::1]:5349' }, '[2001:db8::1]'],
    [{ urls: 'stun:[::ffff:192.0.2.1]' }, '[::ffff:192.0.2.1]'],
    [{ urls: 'stun:[::]:1' }, '[::]'],
    [{ urls: 'stun:[1:2:3:4:5:6:7:8]' }, '[1:2:3:4:5:6:7:8]'],
    [{ urls: 'turn:turn.example:3478?transport=udp', ...key }, 'turn.example'],
    [{ urls: 'turns:turn.example?transport=tcp', ...key }, 'turn.example'],
  ])('%o is one, at %s', (server, host) => {
    expect(parseIceServer({ ...server, more: 1 })).toEqual(server)
    expect(iceHost(server)).toBe(host)
  })

  test.each([
    undefined,
    null,
    'stun:stun.example',
    {},
    { urls: ['stun:stun.example'] },
    { urls: 'http://stun.example' },
    { urls: 'stun:' },
    { urls: 'stun:stun.example:70000' },
    { urls: 'stun:stun.example:0' },
    { urls: 'stun:stun..example' },
    { urls: 'stun:999.1.1.1' },
    { urls: 'stun:1.2.3' },
    { urls: 'stun:[::::]' },
    { urls: 'stun:[1:2:3]' },
    { urls: 'stun:[1::2::3]' },
    { urls: 'stun:[1:2:3:4:5:6:7:8:9]' },
    { urls: 'stun:[12345::]' },
    { urls: 'stun:[::1.2.3.999]' },
    { urls: 'stun:stun.example?transport=udp' },
    { urls: 'stun:user@stun.example' },
    { urls: 'stun:stun.example', ...key },
    { urls: 'turn:turn.example' },
    { urls: 'turn:turn.example', username: 'user' },
    { urls: 'turn:turn.example?transport=sctp', ...key },
    { urls: 'turn:turn.example', ...key, credential: 'x'.repeat(ICE_TEXT_CHARS_MAX + 1) },
    { urls: `stun:${'x'.repeat(ICE_TEXT_CHARS_MAX)}` },
  ])('%o is none', (value) => {
    expect(parseIceServer(value)).toBeUndefined()
  })
})
