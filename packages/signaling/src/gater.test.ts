import type { PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Census, createCensus } from './census.ts'
import { createGater } from './gater.ts'
import * as limits from './limits.ts'
import { createPresenceGate } from './presence-gate.ts'

const HOUSEHOLD = '192.0.2.1'
/** A class room of tabs behind one address. */
const CLASS_ROOM = 60

let census: Census
let circuits: { granted: number; refused: number }
let reserved: Map<string, PeerId>
let gater: ReturnType<typeof createGater>
let ports: number
let uninvited: Set<string>

beforeEach(() => {
  census = createCensus()
  circuits = { granted: 0, refused: 0 }
  reserved = new Map()
  ports = 0
  uninvited = new Set()
  gater = createGater({
    gate: createPresenceGate(),
    admits: (peer) => !uninvited.has(peer),
    census,
    circuits,
    release: (peer) => void reserved.delete(peer.toString()),
    isFull: (network) =>
      census.count(reserved.values(), network) >= limits.RESERVATIONS_PER_ADDRESS_MAX,
  })
})

/** Somebody new who connects from an address; undefined when not let in. */
async function connect(address: string): Promise<PeerId | undefined> {
  const name = `peer${++ports}`
  const peer = { toString: () => name } as PeerId
  const remoteAddr = multiaddr(`/ip4/${address}/tcp/${ports}/ws`)
  const connection = { remoteAddr, remotePeer: peer }
  if (await gater.denyInboundEncryptedConnection?.(peer, connection as never)) return undefined
  census.opened(connection)
  return peer
}

async function reserve(peer: PeerId): Promise<boolean> {
  if (await gater.denyInboundRelayReservation?.(peer)) return false
  reserved.set(peer.toString(), peer)
  return true
}

async function crowd(address: string, size: number): Promise<PeerId[]> {
  const peers: PeerId[] = []
  for (let i = 0; i < size; i++) {
    const peer = await connect(address)
    if (peer !== undefined) peers.push(peer)
  }
  return peers
}

/** How many of them get a reservation, one after the other. */
async function countReserved(peers: readonly PeerId[]): Promise<number> {
  let granted = 0
  for (const peer of peers) if (await reserve(peer)) granted += 1
  return granted
}

describe('what one address gets of a relay', () => {
  test('is a quarter of its connections, whatever identities it makes', async () => {
    const { length } = await crowd(HOUSEHOLD, limits.CONNECTIONS_PER_ADDRESS_MAX + 5)
    expect(length).toBe(limits.CONNECTIONS_PER_ADDRESS_MAX)
    expect(await connect('192.0.2.2')).toBeDefined()
  })

  test('is a quarter of its reservations, and each that is held is renewed', async () => {
    const peers = await crowd(HOUSEHOLD, limits.RESERVATIONS_PER_ADDRESS_MAX + 5)
    expect(await countReserved(peers)).toBe(limits.RESERVATIONS_PER_ADDRESS_MAX)
    expect(await reserve(peers[0] as PeerId)).toBe(true)
    expect(await reserve((await connect('192.0.2.2')) as PeerId)).toBe(true)
  })

  test('is enough for a class room, each of whom meets all of a full lane', async () => {
    const peers = await crowd(HOUSEHOLD, CLASS_ROOM)
    const other = (await connect('192.0.2.2')) as PeerId
    expect(await countReserved(peers)).toBe(CLASS_ROOM)
    for (const peer of peers) {
      for (let met = 0; met < CLASS_ROOM; met++) {
        await gater.denyOutboundRelayedConnection?.(peer, other)
      }
    }
    expect(circuits).toEqual({ granted: CLASS_ROOM ** 2, refused: 0 })
  })

  test('ends for circuits with the burst of an address, and not for programs of this machine', async () => {
    const other = (await connect('192.0.2.2')) as PeerId
    const ask = async (address: string) => {
      const peers = await crowd(address, 100)
      for (const peer of peers) {
        for (let met = 0; met < limits.CIRCUITS_BURST; met++) {
          await gater.denyOutboundRelayedConnection?.(peer, other)
        }
      }
    }
    await ask(HOUSEHOLD)
    expect(circuits.granted).toBeGreaterThanOrEqual(limits.CIRCUITS_PER_ADDRESS_BURST)
    expect(circuits.granted).toBeLessThan(limits.CIRCUITS_PER_ADDRESS_BURST + 1_000)
    circuits.granted = 0
    await ask('127.0.0.1')
    expect(circuits.granted).toBe(100 * limits.CIRCUITS_BURST)
  })

  test('is nothing for whoever is not on the list', async () => {
    uninvited.add('peer1')
    expect(await connect(HOUSEHOLD)).toBeUndefined()
    expect(await connect(HOUSEHOLD)).toBeDefined()
  })

  test('is no dial of the server, to wherever it leads', async () => {
    for (const address of [
      '/ip4/10.0.0.1/tcp/22',
      '/ip4/169.254.169.254/tcp/80',
      '/ip4/8.8.8.8/tcp/1',
    ])
      expect(await gater.denyDialMultiaddr?.(multiaddr(address))).toBe(true)
  })
})
