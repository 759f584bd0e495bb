import { multiaddr } from '@multiformats/multiaddr'
import { multiaddrToUri } from '@multiformats/multiaddr-to-uri'
import { describe, expect, test } from 'vitest'
import { meetingAddress, parseJoinUrl } from './join-url.ts'

const PEER = '12D3KooWGRUts7zDQkTfAVKpaVcmFhGMRkVHMQKkBoTzvLN4yr6N'

describe('a join URL', () => {
  test.each([
    ['http://127.0.0.1:9000', 'http://127.0.0.1:9000/'],
    ['https://host/swarm', 'https://host/swarm/'],
    ['https://host/swarm/?autojoin=1#share', 'https://host/swarm/'],
    ['https://host/swarm/index.html', 'https://host/swarm/'],
    ['https://host/swarm///', 'https://host/swarm/'],
  ])('%s means the folder %s', (given, folder) => {
    expect(parseJoinUrl(given).href).toBe(folder)
  })

  test.each(['', 'host:9000', '/swarm/', 'ws://host/', 'ftp://host/'])('is not "%s"', (given) => {
    expect(() => parseJoinUrl(given)).toThrow('is not a URL to join')
  })

  test('is of a bounded length, and so is what is said of one that is not', () => {
    for (const given of [`https://host/${'a'.repeat(5_000)}`, 'a'.repeat(5_000)]) {
      const error: unknown = (() => {
        try {
          return parseJoinUrl(given)
        } catch (thrown) {
          return thrown
        }
      })()
      expect(error).toMatchObject({ code: 'bad-join-url' })
      expect(JSON.stringify(error).length + String(error).length).toBeLessThan(1_000)
    }
  })

  test('has no password in it, and none is repeated', () => {
    expect(() => parseJoinUrl('https://user:secret@host/swarm/')).toThrow(
      /no user or password in it; join https:\/\/host\/swarm\/$/,
    )
  })

  test.each([
    ['http://host:9000/', '/dns4/host/tcp/9000/ws'],
    ['http://192.168.1.5:9000', '/ip4/192.168.1.5/tcp/9000/ws'],
    ['http://[fd00::5]:9000', '/ip6/fd00::5/tcp/9000/ws'],
    ['http://host', '/dns4/host/tcp/80/ws'],
    ['https://host', '/dns4/host/tcp/443/tls/ws'],
    ['https://host:8443/swarm/', '/dns4/host/tcp/8443/tls/ws/http-path/swarm%2Fws'],
  ])('%s leads to %s', (given, place) => {
    const address = meetingAddress(parseJoinUrl(given), PEER)
    expect(address).toBe(`${place}/p2p/${PEER}`)
    expect(multiaddr(address).toString()).toBe(address)
  })

  test.each([
    ['https://host/swarm', 'wss://host/swarm/ws'],
    ['http://host:81/a/b%2Fc%25d/ü e/', 'ws://host:81/a/b%2Fc%25d/%C3%BC%20e/ws'],
  ])('%s is dialled as %s', (given, uri) => {
    expect(multiaddrToUri(meetingAddress(parseJoinUrl(given), PEER))).toBe(uri)
  })
})
