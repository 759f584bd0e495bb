import { expect, test } from 'vitest'
import type { PeerId } from '../wire/messages.ts'
import { bestAuditors, domainIn } from './auditors.ts'

test('a network is 16 bits of IPv4 and 32 of IPv6, of the peer itself and no relay', () => {
  expect(domainIn(['/ip4/192.0.2.1/tcp/4001'])).toBe('192.0')
  expect(domainIn(['/ip6/2001:db8:7::1/tcp/4001'])).toBe('2001:db8')
  expect(
    domainIn(['/ip4/192.0.2.1/tcp/1/p2p/x/p2p-circuit/webrtc', '/ip4/198.51.100.2/tcp/2']),
  ).toBe('198.51')
  expect(domainIn(['/dns4/swarm.example/tcp/443/wss'])).toBeUndefined()
  expect(domainIn([])).toBeUndefined()
})

test('whoever is trusted comes first, then who lives elsewhere, then who can run all of it', () => {
  const host = (peer: string) => ({ peer: peer as PeerId })
  // Its letters say what it is.
  const best = (...names: string[]) => {
    const all = names.map(host)
    return bestAuditors(all, all, (peer) => ({
      isTrusted: peer.includes('t'),
      isApart: peer.includes('a'),
      isWhole: peer.includes('w'),
    })).map(({ peer }) => peer)
  }
  expect(best('-', 'w', 'aw', 't', 'ta', 'taw')).toEqual(['taw'])
  expect(best('-', 'aw', 'tw', 'ta')).toEqual(['ta'])
  expect(best('-', 'aw', 'tw', 't')).toEqual(['tw', 't'])
  expect(best('-', 'a', 'aw', 'w')).toEqual(['aw'])
  expect(best('-', 'a', 'w')).toEqual(['a'])
  expect(best('-', 'w')).toEqual(['-', 'w'])
})
