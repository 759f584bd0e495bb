import type { PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, test } from 'vitest'
import { createCensus } from './census.ts'

let peers = 0

/** Somebody new: here, only the name of a peer matters. */
function peer(): PeerId {
  const name = `peer${++peers}`
  return { toString: () => name } as PeerId
}

function from(remotePeer: PeerId, address: string) {
  return { remotePeer, remoteAddr: multiaddr(address) }
}

describe('a census', () => {
  test('counts the connections of a network, whatever identities they have', () => {
    const census = createCensus()
    const [one, other] = [peer(), peer()]
    census.opened(from(one, '/ip4/192.0.2.1/tcp/1/ws'))
    census.opened(from(other, '/ip4/192.0.2.1/tcp/2'))
    census.opened(from(other, '/ip4/192.0.2.2/tcp/3'))
    expect(census.connections('192.0.2.1')).toBe(2)
    expect(census.count([one, other], '192.0.2.2')).toBe(1)
    expect(census.networkOf(other.toString())).toBe('192.0.2.2')
  })

  test('counts the addresses of one customer of IPv6 as one network', () => {
    const census = createCensus()
    census.opened(from(peer(), '/ip6/2001:db8::1/tcp/1/ws'))
    census.opened(from(peer(), '/ip6/2001:db8::2/tcp/1/ws'))
    expect(census.connections('2001:db8:0:0::/64')).toBe(2)
  })

  test('knows no network of programs of this machine', () => {
    const census = createCensus()
    const here = peer()
    census.opened(from(here, '/ip4/127.0.0.1/tcp/1/ws'))
    census.opened(from(here, '/ip6/::1/tcp/1/ws'))
    expect(census.networkOf(here.toString())).toBeUndefined()
    expect(census.connections('127.0.0.1')).toBe(0)
  })

  test('forgets a peer with its last connection, and a network with it', () => {
    const census = createCensus()
    const one = peer()
    const [first, second] = [from(one, '/ip4/192.0.2.1/tcp/1'), from(one, '/ip4/192.0.2.1/tcp/2')]
    census.opened(first)
    census.opened(second)
    census.closed(first)
    expect([census.connections('192.0.2.1'), census.networkOf(one.toString())]).toEqual([
      1,
      '192.0.2.1',
    ])
    census.closed(second)
    expect([census.connections('192.0.2.1'), census.networkOf(one.toString())]).toEqual([
      0,
      undefined,
    ])
  })
})
