import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LANES_MAX, PEERS_MAX, PROTOCOL_VERSION } from '@layerswarm/swarm'
import { afterEach, describe, expect, test } from 'vitest'
import { fetchBootstrap, parseBootstrap } from './bootstrap.ts'

const RELEASE = { id: 'ab'.repeat(32), name: 'tiny', publisher: 'cd'.repeat(32) }
const COUNT = { lane: 3, providers: 20, askers: 4, lacking: 0 }

const JOIN = new URL('https://host/swarm/')

function parsed(release: object) {
  const addresses = [`/ip4/192.0.2.1/tcp/1/p2p/12D3KooW${'a'.repeat(44)}`]
  return parseBootstrap({ protocol: PROTOCOL_VERSION, addresses, releases: [release] }, JOIN)
}

describe('a bootstrap.json', () => {
  const peerId = `12D3KooW${'b'.repeat(44)}`
  const bare = { protocol: PROTOCOL_VERSION, addresses: [] as string[], releases: [RELEASE] }

  test('of a server that names only itself leads to where it was read', () => {
    expect(parseBootstrap({ ...bare, peerId }, JOIN).addresses).toEqual([
      `/dns4/host/tcp/443/tls/ws/http-path/swarm%2Fws/p2p/${peerId}`,
    ])
  })

  test('of a server that announces addresses too names the way to itself first', () => {
    const tcp = `/dns4/host/tcp/4001/p2p/${peerId}`
    const { addresses } = parseBootstrap({ ...bare, peerId, addresses: [tcp] }, JOIN)
    expect(addresses).toHaveLength(2)
    expect(addresses[1]).toBe(tcp)
  })

  test('names the STUN and TURN servers of its host, or none', () => {
    const iceServers = [{ urls: 'stun:stun.example' }]
    expect(parseBootstrap({ ...bare, peerId }, JOIN).iceServers).toEqual([])
    expect(parseBootstrap({ ...bare, peerId, iceServers }, JOIN).iceServers).toEqual(iceServers)
  })

  test.each([
    ['iceServers', 7],
    ['iceServers', Array.from({ length: 5 }, () => ({ urls: 'stun:stun.example' }))],
    ['iceServers.1', [{ urls: 'stun:stun.example' }, { urls: 'turn:turn.example' }]],
    ['iceServers.0', [{ urls: 'https://elsewhere.example' }]],
  ])('is refused when its %s cannot be', (field, iceServers) => {
    expect(() => parseBootstrap({ ...bare, peerId, iceServers }, JOIN)).toThrow(`"${field}"`)
  })

  test('names other servers of the swarm, or none', () => {
    const others = ['https://other.example/swarm/', 'http://192.0.2.1:9000']
    expect(parseBootstrap({ ...bare, peerId }, JOIN).others).toEqual([])
    expect(parseBootstrap({ ...bare, peerId, others }, JOIN).others.map(String)).toEqual([
      'https://other.example/swarm/',
      'http://192.0.2.1:9000/',
    ])
  })

  test.each([
    ['others', 'https://other.example/'],
    ['others', Array.from({ length: 4 }, (_, at) => `https://${at}.example/`)],
    ['others.0', [7]],
    ['others.1', ['https://other.example/', 'ftp://other.example/']],
    ['others.0', ['https://user:secret@other.example/']],
    ['others.0', [`https://other.example/${'x'.repeat(300)}`]],
    // Short as it is written, too long as it is sent.
    ['others.0', [`https://other.example/${'ü'.repeat(200)}`]],
  ])('is refused when its %s cannot be: %o', (field, others) => {
    expect(() => parseBootstrap({ ...bare, peerId, others }, JOIN)).toThrow(`"${field}"`)
  })

  test.each([undefined, 7, '', 'no/../peer', 'x'.repeat(99)])(
    'that names nobody to connect to, or "%s", is refused',
    (wrong) => {
      expect(() => parseBootstrap({ ...bare, peerId: wrong }, JOIN)).toThrow('bootstrap.json')
    },
  )

  test.each([
    null,
    [],
    {},
    { protocol: 'x' },
    { protocol: { toString: 1, valueOf: 1 } },
    { protocol: JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)) },
  ])('of something else is none', (value) => {
    expect(() => parseBootstrap(value, JOIN)).toThrow('is this a signaling server?')
  })

  test('from elsewhere sends nobody to services of his own machine', () => {
    const others = ['http://127.0.0.1:8080/', 'http://[::1]/', 'http://other/']
    const addresses = ['/ip4/127.0.0.1/tcp/1', '/dns4/localhost/tcp/1/ws', '/ip4/192.0.2.1/tcp/1']
    const value = {
      ...bare,
      peerId,
      others,
      addresses: addresses.map((at) => `${at}/p2p/${peerId}`),
    }
    const far = parseBootstrap(value, JOIN)
    expect(far.others.map(String)).toEqual(['http://other/'])
    expect(far.addresses.slice(1)).toEqual([`/ip4/192.0.2.1/tcp/1/p2p/${peerId}`])
    const near = parseBootstrap(value, new URL('http://127.0.0.1:9000/'))
    expect([near.others.length, near.addresses.length]).toEqual([3, 4])
  })

  test('says how full the lanes of a release are', () => {
    expect(parsed({ ...RELEASE, lanes: [COUNT] }).releases[0]?.lanes).toEqual([COUNT])
  })

  test('of a server that does not count lanes is taken as well', () => {
    expect(parsed(RELEASE).releases[0]?.lanes).toBeUndefined()
  })

  test.each([
    ['is no list', 7],
    ['has more lanes than there can be', Array.from({ length: LANES_MAX + 1 }, () => COUNT)],
    ['counts a lane that cannot be', [{ ...COUNT, lane: LANES_MAX }]],
    ['counts less than nobody', [COUNT, { ...COUNT, lane: 4, askers: -1 }]],
    ['counts more than there can be', [{ ...COUNT, providers: PEERS_MAX + 1 }]],
    ['counts a lane twice', [COUNT, { ...COUNT, lane: 4 }, { ...COUNT, providers: 1 }]],
  ])('is refused when its count %s', (_, lanes) => {
    expect(() => parsed({ ...RELEASE, lanes })).toThrow('releases.0.lanes')
  })

  test.each([
    ['', 'an empty one'],
    ['tiny\u202etxt', 'one that is shown backwards'],
    ['tiny\u0000', 'one with a control character'],
    ['Tiny', 'a capital'],
    ['t'.repeat(65), 'one of 65 letters'],
  ])('is refused when a release has a name that no manifest may have: %o, %s', (name) => {
    expect(() => parsed({ ...RELEASE, name })).toThrow('releases.0.name')
  })
})

describe('reading a bootstrap.json', () => {
  const closers: (() => unknown)[] = []
  afterEach(() => closers.splice(0).map((close) => close()))

  async function serve(answer: RequestListener): Promise<URL> {
    const server = createServer(answer)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(
      () => server.close(),
      () => server.closeAllConnections(),
    )
    return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/swarm/`)
  }

  test('does not follow to another address, and names it', async () => {
    const asked: (string | undefined)[] = []
    const join = await serve(({ url }, response) => {
      asked.push(url)
      response.writeHead(301, { location: 'https://swarm.example/swarm/bootstrap.json' }).end()
    })
    await expect(fetchBootstrap(join)).rejects.toThrow(
      /the server sends on to https:\/\/swarm\.example\/swarm\/; name that address$/,
    )
    expect(asked).toEqual(['/swarm/bootstrap.json'])
  })
})
