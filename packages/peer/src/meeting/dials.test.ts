import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { describe, expect, test } from 'vitest'
import { eventually } from '../testing/test-nodes.ts'
import { type DialKind, Dials, type DialsBounds } from './dials.ts'

const [RELAY, OTHER] = [
  peerIdFromPrivateKey(await generateKeyPair('Ed25519')),
  peerIdFromPrivateKey(await generateKeyPair('Ed25519')),
]

const PATIENT: DialsBounds = { atOnceMax: 2, underWayMax: 4, slowMs: 60_000 }

/** Dials of which none is ever answered, and where they have gone. */
function unanswered(given: Partial<DialsBounds> = {}) {
  const tried: string[] = []
  const bounds = { ...PATIENT, ...given }
  const dials = new Dials(
    {
      node: {
        getConnections: () => [],
        dial: (targets, { signal } = {}) => {
          tried.push(String(targets))
          if (String(targets) === REFUSED) return Promise.reject(new Error('refused'))
          return new Promise((_, reject) =>
            signal?.addEventListener('abort', () => reject(signal.reason), { once: true }),
          )
        },
      },
      ways: { canDial: () => true },
      isForwarder: (peer) => peer === RELAY.toString(),
      grewSlow: () => undefined,
      ended: () => undefined,
    },
    { socket: bounds, webrtc: bounds },
  )
  const end = new AbortController()
  /** Dials all whose turn it is. */
  const dialAll = (peers: readonly (string | readonly string[])[], kind: DialKind = 'queued') => {
    for (const peer of peers) {
      const addresses = [peer].flat()
      if (dials.mayBegin(addresses, kind))
        dials.dial({ peer: String(peer), addresses, attempts: 0 }, kind, end.signal).catch(() => {})
    }
    return tried.splice(0)
  }
  return { dials, dialAll, stop: () => end.abort(new Error('over')) }
}

const circuit = (relay: string) => `/ip4/192.0.2.9/tcp/4001/p2p/${relay}/p2p-circuit/webrtc/p2p/x`
const REFUSED = '/ip4/198.51.100.1/tcp/4001'
const HOSTS = Array.from({ length: 8 }, (_, i) => `/ip4/192.0.2.${i}/tcp/4001`)
const ports = (host: string, count = 40) =>
  Array.from({ length: count }, (_, i) => `/ip4/${host}/tcp/${4_000 + i}`)

describe('dials', () => {
  test('leave room for others, however many ports one silent host has', () => {
    const { dialAll, stop } = unanswered()
    const silent = ports('192.0.2.1')
    expect(dialAll(silent)).toEqual(silent.slice(0, 1))
    const other = ports('192.0.2.2', 1)
    expect(dialAll([...silent, ...other])).toEqual(other)
    stop()
  })

  test('go on beside one that is slow, and only so many in all', async () => {
    const { dials, dialAll, stop } = unanswered({ slowMs: 20 })
    expect(dialAll(HOSTS)).toEqual(HOSTS.slice(0, 2))
    await eventually('the slowness', () => dials.young === 0)
    expect(dialAll(HOSTS)).toEqual(HOSTS.slice(2, 4))
    await eventually('the slowness', () => dials.young === 0)
    expect(dialAll(HOSTS.slice(4))).toEqual([])
    stop()
    await eventually('room', () => dials.mayBegin(HOSTS.slice(4), 'queued'))
  })

  test('of one kind hold up none of the other, and sockets no WebRTC', () => {
    const { dialAll, stop } = unanswered()
    expect(dialAll(HOSTS, 'urgent')).toHaveLength(2)
    expect(dialAll(HOSTS.slice(4))).toHaveLength(2)
    expect(dialAll([circuit(OTHER.toString())])).toHaveLength(1)
    stop()
  })

  test('by a socket that fail leave WebRTC to another turn', async () => {
    const { dials, stop } = unanswered()
    const addresses = [REFUSED, circuit(OTHER.toString())]
    const one = { peer: 'x', addresses, attempts: 0 }
    expect(await dials.dial(one, 'queued', new AbortController().signal)).toBe(false)
    expect(dials.mayBegin(addresses, 'queued')).toBe(true)
    stop()
  })

  test('skip an address that is silent where another leads to the peer as well', async () => {
    const { dials, dialAll, stop } = unanswered({ slowMs: 20 })
    const [silent = '', other = ''] = HOSTS
    dialAll([silent])
    await eventually('the slowness', () => dials.young === 0)
    expect(dials.mayBegin([silent], 'urgent')).toBe(false)
    expect(dials.silencesAt([silent, other])).toBe(0)
    expect(dialAll([[silent, other]])).toEqual([other])
    stop()
  })

  test('look for no bootstrap node where a stranger says that it is', () => {
    const { dials, dialAll } = unanswered()
    expect(dials.mayBegin([circuit(RELAY.toString())], 'urgent')).toBe(false)
    expect(dialAll([circuit(RELAY.toString()), circuit('no-peer-id')])).toEqual([])
  })
})
