import { createServer } from 'node:net'
import { laneTopic, type Presence } from '@layerswarm/swarm'
import { anyPresence } from '@layerswarm/swarm/testing'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, test } from 'vitest'
import { CROSS_DIAL_MS, UNHEARD_WAIT_MS } from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { connectionsOf, directConnection } from '../node/peer-connections.ts'
import { addressesOf, createTestNode, eventually, RELEASE } from '../testing/test-nodes.ts'
import { createGoodbyes, type Goodbyes } from './goodbyes.ts'
import {
  createIntroductions,
  type Introductions,
  type IntroductionsOptions,
} from './introductions.ts'

interface Guest {
  id: string
  node: SwarmNode
  introductions: Introductions
  goodbyes: Goodbyes
  gone: string[]
}

const open: Guest[] = []

async function arrive(options: Partial<IntroductionsOptions> = {}): Promise<Guest> {
  const { node, ways } = await createTestNode()
  const gone: string[] = []
  const introductions = createIntroductions(
    { node, ways, isForwarder: () => false, gone: (peer) => gone.push(peer) },
    options,
  )
  const goodbyes = createGoodbyes(node, (peer) => {
    gone.push(peer)
    introductions.departed(peer)
  })
  introductions.start()
  await goodbyes.start()
  const guest = { id: node.peerId.toString(), node, introductions, goodbyes, gone }
  open.push(guest)
  return guest
}

/** Two guests, the one with the smaller id first. */
async function arriveTwo(options: Partial<IntroductionsOptions> = {}): Promise<[Guest, Guest]> {
  const [a, b] = [await arrive(options), await arrive(options)]
  return a.id < b.id ? [a, b] : [b, a]
}

afterEach(async () => {
  await Promise.all(
    open.splice(0).map(async ({ introductions, goodbyes, node }) => {
      await introductions.stop()
      await goodbyes.stop()
      await node.stop()
    }),
  )
})

function presenceOf({ node }: Guest, given: Partial<Presence> = {}): Presence {
  return anyPresence({ release: RELEASE, addresses: addressesOf(node), ...given })
}

function introduce(a: Guest, b: Guest, given: Partial<Presence> = {}): void {
  a.introductions.announced(b.id, presenceOf(b, given))
  b.introductions.announced(a.id, presenceOf(a, given))
}

/** Directions of the connections between two peers, as the first and then the second sees them. */
const keptBy = (a: Guest, b: Guest) =>
  [...connectionsOf(a.node, b.id), ...connectionsOf(b.node, a.id)]
    .map(({ direction }) => direction)
    .join()

const met = (a: Guest, b: Guest) => directConnection(a.node, b.id) !== undefined

/** Made-up members, all at one port of this machine that takes every connection and says nothing. */
async function madeUp(count: number): Promise<{ peer: string; presence: Presence }[]> {
  const server = createServer((socket) => socket.on('error', () => undefined))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  const place = server.address()
  const port = typeof place === 'object' ? place?.port : undefined
  return Promise.all(
    Array.from({ length: count }, async () => {
      const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
      const addresses = [`/ip4/127.0.0.1/tcp/${port}/p2p/${peer}`]
      return { peer, presence: anyPresence({ release: RELEASE, addresses }) }
    }),
  )
}

describe('introductions', { timeout: 30_000 }, () => {
  test('connect two peers once, dialled by the smaller id', async () => {
    const [smaller, larger] = await arriveTwo()
    introduce(larger, smaller)
    await eventually('the meeting', () => met(smaller, larger) && met(larger, smaller))
    expect(connectionsOf(smaller.node, larger.id).map(({ direction }) => direction)).toEqual([
      'outbound',
    ])
    expect(connectionsOf(larger.node, smaller.id)).toHaveLength(1)
  })

  test('make acquaintances of those who announce themselves, until they leave', async () => {
    const [smaller, larger] = await arriveTwo()
    const isAcquainted = () => larger.introductions.isAcquainted(smaller.id)
    expect(isAcquainted()).toBe(false)
    introduce(smaller, larger)
    expect(isAcquainted()).toBe(true)
    larger.introductions.announced(smaller.id, presenceOf(smaller, { leaving: true }))
    expect(isAcquainted()).toBe(false)
  })

  test('try again when a dial fails', async () => {
    const [smaller, larger] = await arriveTwo({ random: () => 0 })
    const lost = `/ip4/127.0.0.1/tcp/1/p2p/${larger.id}`
    smaller.introductions.announced(larger.id, presenceOf(larger, { addresses: [lost] }))
    const there = addressesOf(larger.node)
    smaller.introductions.announced(larger.id, presenceOf(larger, { addresses: there }))
    await eventually('the meeting', () => met(smaller, larger))
  })

  test('connect again after a connection was lost', async () => {
    const [smaller, larger] = await arriveTwo()
    introduce(smaller, larger)
    const first = await eventually('the meeting', () => directConnection(smaller.node, larger.id))
    await first.close()
    await eventually('the second meeting', () => {
      const again = directConnection(smaller.node, larger.id)
      return again !== undefined && again.id !== first.id
    })
  })

  test('replace the connections of a peer that has started over', async () => {
    const [smaller, larger] = await arriveTwo()
    introduce(smaller, larger, { sequence: 20 })
    const first = await eventually('the meeting', () => directConnection(smaller.node, larger.id))
    smaller.introductions.announced(larger.id, presenceOf(larger, { sequence: 0, asking: true }))
    expect(smaller.gone).toEqual([larger.id])
    await eventually('the second meeting', () => {
      const again = directConnection(smaller.node, larger.id)
      return again !== undefined && again.id !== first.id
    })
  })

  test('hang up on one who has connected and says nothing, and on nobody who announces itself', async () => {
    const host = await arrive({ strangersKeptMs: 400 })
    const [silent, honest] = [await arrive(), await arrive()]
    for (const { node } of [silent, honest])
      await node.dial(addressesOf(host.node).map((address) => multiaddr(address)))
    host.introductions.announced(honest.id, presenceOf(honest))
    await eventually('the end of it', () => directConnection(host.node, silent.id) === undefined)
    await new Promise((resolve) => setTimeout(resolve, 800))
    expect(directConnection(host.node, honest.id)).toBeDefined()
  })

  test('keep the connection to one who goes to another lane, until room is needed', async () => {
    const [stayer, mover, newcomer] = [
      await arrive({ connectionsMax: 1 }),
      await arrive(),
      await arrive(),
    ]
    introduce(stayer, mover)
    await eventually('the meeting', () => met(stayer, mover) && met(mover, stayer))
    const farewell = { leaving: true, moving: true, sequence: 1 }
    stayer.introductions.announced(mover.id, presenceOf(mover, farewell))
    mover.introductions.laneEntered()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(met(stayer, mover)).toBe(true)
    expect(stayer.gone).toEqual([])
    introduce(stayer, newcomer)
    await eventually('the meeting in its place', () => met(stayer, newcomer))
    await eventually('the parting', () => !met(stayer, mover))
  })

  test('hang up on one who leaves for good', async () => {
    const [stayer, leaver] = [await arrive(), await arrive()]
    introduce(stayer, leaver)
    await eventually('the meeting', () => met(stayer, leaver))
    stayer.introductions.announced(leaver.id, presenceOf(leaver, { leaving: true, sequence: 1 }))
    await eventually('the parting', () => !met(stayer, leaver))
  })

  test('keep the newer of two connections, with gossip on it', async () => {
    const [smaller, larger] = await arriveTwo()
    introduce(smaller, larger)
    await eventually('the meeting', () => met(smaller, larger) && met(larger, smaller))
    const lane = laneTopic(RELEASE, 0)
    const heard: number[] = []
    larger.node.services.pubsub.subscribe(lane)
    larger.node.services.pubsub.addEventListener('message', ({ detail }) => {
      heard.push(detail.data[0] ?? -1)
    })
    // Both ends believe that it was made long ago.
    for (const { node } of [smaller, larger]) {
      for (const connection of node.getConnections()) connection.timeline.open -= CROSS_DIAL_MS
    }
    await larger.node.dial(
      addressesOf(smaller.node).map((address) => multiaddr(address)),
      { force: true },
    )
    await eventually('the newer one alone', () => keptBy(smaller, larger) === 'inbound,outbound')
    let number = 0
    await eventually('a message over it', () => {
      smaller.node.services.pubsub.publish(lane, Uint8Array.of(++number)).catch(() => undefined)
      return heard.length > 0
    })
  })

  test('agree on one of two connections that were dialled at the same time', async () => {
    const [smaller, larger] = await arriveTwo()
    smaller.introductions.announced(larger.id, presenceOf(larger))
    larger.introductions.announced(smaller.id, presenceOf(smaller))
    await Promise.allSettled([
      smaller.introductions.reach(larger.id, undefined),
      larger.introductions.reach(smaller.id, undefined),
    ])
    await eventually('agreement', () => keptBy(smaller, larger) === 'outbound,inbound')
  })

  test('hang up when a peer says that it leaves, and do not dial it again', async () => {
    const [smaller, larger] = await arriveTwo()
    introduce(smaller, larger)
    await eventually('the meeting', () => met(smaller, larger) && met(larger, smaller))
    smaller.introductions.announced(larger.id, presenceOf(larger, { leaving: true, sequence: 1 }))
    await eventually('the parting', () => !met(smaller, larger))
    await expect(smaller.introductions.reach(larger.id, undefined)).rejects.toThrow('no way')
  })

  test('stay below the cap of connections', async () => {
    const all = [await arrive({ connectionsMax: 2 }), await arrive({ connectionsMax: 2 })]
    for (let i = 0; i < 2; i++) all.push(await arrive({ connectionsMax: 2 }))
    const [host, ...guests] = all.sort((a, b) => (a.id < b.id ? -1 : 1))
    if (host === undefined) throw new Error('no host')
    const announceAll = () => {
      for (const guest of guests) host.introductions.announced(guest.id, presenceOf(guest))
    }
    announceAll()
    await eventually('two connections', () => host.node.getConnections().length === 2)
    await eventually('the end of dialling', () => host.node.getDialQueue().length === 0)
    announceAll()
    await new Promise((resolve) => setImmediate(resolve))
    expect(host.node.getDialQueue()).toEqual([])
    expect(host.node.getConnections()).toHaveLength(2)
  })

  test('reach a peer at once when work depends on it, whoever’s turn it is', async () => {
    const [smaller, larger] = await arriveTwo()
    larger.introductions.announced(smaller.id, presenceOf(smaller))
    expect(met(larger, smaller)).toBe(false)
    await larger.introductions.reach(smaller.id, undefined)
    expect(met(larger, smaller)).toBe(true)
  })

  test('meet an honest peer soon that was announced after forty made-up ones', async () => {
    const [smaller, larger] = await arriveTwo()
    for (const { peer, presence } of await madeUp(40))
      smaller.introductions.announced(peer, presence)
    smaller.introductions.announced(larger.id, presenceOf(larger))
    await eventually('the meeting', () => met(smaller, larger), 5_000)
  })

  test('meet and reach honest peers while tensors of made-up ones are asked for', async () => {
    const [smaller, larger] = await arriveTwo()
    const other = await arrive()
    for (const { peer, presence } of await madeUp(40)) {
      smaller.introductions.announced(peer, presence)
      smaller.introductions.reach(peer, undefined).catch(() => undefined)
    }
    smaller.introductions.announced(larger.id, presenceOf(larger))
    smaller.introductions.announced(other.id, presenceOf(other))
    await Promise.all([
      smaller.introductions.reach(other.id, undefined),
      eventually('the meeting', () => met(smaller, larger), 5_000),
    ])
    expect(met(smaller, other)).toBe(true)
  })

  test('wait, new to a lane, for whom they have not heard yet, and not for long', async () => {
    const [smaller, larger] = await arriveTwo()
    const nobody = (await arrive()).id
    let isReached = false
    const reaching = larger.introductions.reach(smaller.id, undefined).then(() => {
      isReached = true
    })
    await new Promise((resolve) => setTimeout(resolve, UNHEARD_WAIT_MS / 10))
    expect(isReached).toBe(false)
    larger.introductions.announced(smaller.id, presenceOf(smaller))
    await reaching
    expect(met(larger, smaller)).toBe(true)
    await expect(larger.introductions.reach(nobody, undefined)).rejects.toThrow('no way')
    const given = new AbortController()
    const givenUp = larger.introductions.reach(nobody, given.signal)
    given.abort()
    await expect(givenUp).rejects.toThrow('no way')
    const stopped = smaller.introductions.reach(nobody, undefined)
    await smaller.introductions.stop()
    await expect(stopped).rejects.toThrow('no way')
  })
})

describe('goodbyes', { timeout: 30_000 }, () => {
  test('reach every connected peer in one synchronous call', async () => {
    const leaver = await arrive()
    const guests = [await arrive(), await arrive()]
    for (const guest of guests) introduce(leaver, guest)
    await eventually('the farewell streams', () => leaver.goodbyes.reaches === guests.length)
    leaver.goodbyes.say()
    for (const guest of guests) {
      await eventually('the goodbye', () => guest.gone.includes(leaver.id))
      await eventually('the parting', () => !met(guest, leaver))
    }
  })
})
