import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, test } from 'vitest'
import { CONNECTIONS_OPEN_MAX, INBOUND_PER_NETWORK_MAX, INBOUND_PER_REGION_MAX } from '../limits.ts'
import { createCrowds } from './crowds.node.ts'

/** A class room behind one address, each of whom is in the same lane. */
const CLASS_ROOM = 30

/** Dials from an address; what ends the connection, or undefined where it is not let in. */
function doors() {
  const crowds = createCrowds()
  let port = 1_024
  return (place: string) => {
    const connection = new EventTarget()
    const remoteAddr = multiaddr(place.replace('PORT', String(++port)))
    const isIn = crowds.admit(Object.assign(connection, { remoteAddr }) as never)
    return isIn ? () => connection.dispatchEvent(new Event('close')) : undefined
  }
}

const v4 = (host: string) => `/ip4/${host}/tcp/PORT`
const v6 = (host: string) => `/ip6/${host}/tcp/PORT/ws`

/** How many of so many come in. */
function crowd(dial: ReturnType<typeof doors>, count: number, place: (index: number) => string) {
  return Array.from({ length: count }, (_, index) => dial(place(index))).filter(Boolean).length
}

describe('who dials a Node peer', () => {
  test('may be a class room behind one address', () => {
    expect(crowd(doors(), CLASS_ROOM, () => v4('192.0.2.1'))).toBe(CLASS_ROOM)
  })

  test.each([
    ['an address of IPv4', () => v4('192.0.2.1'), v4('198.51.100.1')],
    [
      'a network of IPv6',
      (i: number) => v6(`2001:db8:1:2::${i.toString(16)}`),
      v6('2001:db8:2::1'),
    ],
  ])('holds half of all the room from %s, and leaves the rest to others', (_, place, other) => {
    const dial = doors()
    expect(crowd(dial, CONNECTIONS_OPEN_MAX, place)).toBe(INBOUND_PER_NETWORK_MAX)
    expect(dial(other)).toBeDefined()
  })

  test.each([
    ['IPv4', (i: number) => v4(`192.0.2.${i}`), v4('192.0.3.1')],
    ['IPv6', (i: number) => v6(`2001:db8:1:${i.toString(16)}::1`), v6('2001:db8:2::1')],
  ])('holds three quarters with all addresses of %s that lie side by side', (_, place, other) => {
    const dial = doors()
    expect(crowd(dial, CONNECTIONS_OPEN_MAX, place)).toBe(INBOUND_PER_REGION_MAX)
    expect(dial(other)).toBeDefined()
  })

  test('gives the place back that it leaves, and only that', () => {
    const dial = doors()
    const ends = Array.from({ length: INBOUND_PER_NETWORK_MAX }, () => dial(v4('192.0.2.1')))
    expect(dial(v4('192.0.2.1'))).toBeUndefined()
    ends[0]?.()
    ends[0]?.()
    expect(dial(v4('192.0.2.1'))).toBeDefined()
    expect(dial(v4('192.0.2.1'))).toBeUndefined()
  })

  test('takes no place of its region when its own network is full', () => {
    const dial = doors()
    crowd(dial, 3 * CONNECTIONS_OPEN_MAX, () => v4('192.0.2.1'))
    const rest = INBOUND_PER_REGION_MAX - INBOUND_PER_NETWORK_MAX
    expect(crowd(dial, CONNECTIONS_OPEN_MAX, () => v4('192.0.2.2'))).toBe(rest)
    // Nor of its network when its region is.
    expect(crowd(dial, CONNECTIONS_OPEN_MAX, () => v4('192.0.2.3'))).toBe(0)
  })

  test.each([
    ['programs of this machine', v4('127.0.0.1')],
    [
      'those who come by way of a server',
      '/ip4/192.0.2.9/tcp/PORT/ws/p2p/12D3KooWDBddeRhykZJuwewpYFuMC39DY9bLJc89R5Xmnv3AoXS6/p2p-circuit',
    ],
  ])('is not counted among %s', (_, place) => {
    expect(crowd(doors(), 3 * CONNECTIONS_OPEN_MAX, () => place)).toBe(3 * CONNECTIONS_OPEN_MAX)
  })
})
