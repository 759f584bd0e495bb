import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, test } from 'vitest'
import { isForeign, ownSubnets } from './foreign-places.node.ts'

const AT_HOME = { isAmongOwn: false, subnets: ['127.0.0.1/8', '192.168.1.5/24', 'fd00:1::5/64'] }

describe('an address that a stranger announces', () => {
  test.each([
    '/ip4/192.0.2.1/tcp/9100/ws',
    '/ip4/192.0.2.1/tcp/443/tls/ws',
    '/ip4/192.168.1.77/tcp/9100/ws',
    '/ip6/fd00:1::77/tcp/9100',
    '/ip4/127.0.0.1/tcp/9100',
    '/dns4/volunteer.example/tcp/443/tls/ws/http-path/swarm%2Fws',
    '/dns4/volunteer.example/tcp/80/ws/http-path/ws',
    '/ip6/2001:db8::1/tcp/9100',
  ])('as %s is dialled', (address) => {
    expect(isForeign(multiaddr(address), AT_HOME)).toBe(false)
  })

  test.each([
    '/ip4/192.168.2.77/tcp/9100/ws',
    '/ip4/10.0.0.1/tcp/9100',
    '/ip4/172.31.0.1/tcp/9100',
    '/ip4/100.64.0.1/tcp/9100',
    '/ip6/fd00:2::1/tcp/9100',
    '/ip6/::ffff:10.0.0.1/tcp/9100',
    '/ip4/169.254.169.254/tcp/80/ws/http-path/latest%2Fws',
    '/ip6/fe80::1/tcp/9100',
    '/ip4/0.0.0.0/tcp/9100',
    '/ip4/224.0.0.1/tcp/9100',
    '/ip4/255.255.255.255/tcp/9100',
    '/ip4/192.0.2.1/tcp/22',
    '/dns4/mail.example/tcp/25',
    '/ip4/10.0.0.1/tcp/9100/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp/p2p-circuit',
  ])('as %s is not', (address) => {
    expect(isForeign(multiaddr(address), AT_HOME)).toBe(true)
  })

  test('is dialled in all private networks where their owner says that all peers are his', () => {
    const own = { ...AT_HOME, isAmongOwn: true }
    expect(isForeign(multiaddr('/ip4/10.0.0.1/tcp/9100'), own)).toBe(false)
    expect(isForeign(multiaddr('/ip4/169.254.169.254/tcp/9100'), own)).toBe(true)
  })

  test('is compared with the subnets of this machine, loopback among them', () => {
    expect(ownSubnets()).toContain('127.0.0.1/8')
  })
})
