import { ADDRESS_CHARS_MAX } from '@layerswarm/swarm'
import { describe, expect, test } from 'vitest'
import { readAnnounced } from './announce.ts'
import { ANNOUNCED_MAX } from './limits.ts'

const PEER = '12D3KooWGRUts7zDQkTfAVKpaVcmFhGMRkVHMQKkBoTzvLN4yr6N'

describe('what a server announces', () => {
  test('are URLs as they are copied from a browser, and multiaddrs, each once', () => {
    const given = [
      'HTTPS://Swarm.Example/swarm/index.html?join=x#share',
      'https://swarm.example/swarm',
      '/dns4/swarm.example/tcp/9002',
      '/dns4/swarm.example/tcp/9002',
      'http://192.0.2.1:9000/',
    ]
    expect(readAnnounced(given)).toEqual({
      urls: ['https://swarm.example/swarm', 'http://192.0.2.1:9000'],
      addresses: ['/dns4/swarm.example/tcp/9002'],
    })
  })

  test.each([
    ['', 'cannot announce'],
    ['/', 'it is empty'],
    ['swarm.example:443', 'cannot announce swarm.example:443'],
    ['ws://swarm.example/', 'cannot announce ws://swarm.example/'],
    ['https://', 'it is no URL'],
    ['https://user:secret@swarm.example/', 'everybody is told it'],
    [`https://${'a'.repeat(300)}.example/`, 'it is too long'],
    ['/dns4/swarm.example/tcp/99999', 'cannot announce'],
    [`/dns4/swarm.example/tcp/9002/p2p/${PEER}`, 'the peer id is added to it'],
    [`/dns4/${'a'.repeat(ADDRESS_CHARS_MAX - 69)}/tcp/1`, 'it is too long'],
  ])('is not "%s"', (given, words) => {
    expect(() => readAnnounced([given])).toThrow(words)
  })

  test('are no more than peers take', () => {
    const some = Array.from({ length: ANNOUNCED_MAX }, (_, at) => `/dns4/${at}.example/tcp/1`)
    expect(readAnnounced(some).addresses).toEqual(some)
    expect(() => readAnnounced([...some, 'https://swarm.example'])).toThrow('too many')
  })
})
