import { connect, createServer, type Server, type Socket } from 'node:net'
import type { CircuitRelayService } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { SwarmNode, Ways } from '../node/libp2p-config.ts'
import {
  addressesOf,
  createTestBootstrap,
  createTestNode,
  eventually,
  eventuallyStarted,
} from '../testing/test-nodes.ts'
import { createRelayKeeper, type RelayKeeper, type RelayKeeperOptions } from './relay-keeper.ts'

const keepers: RelayKeeper[] = []
const nodes: (SwarmNode | Libp2p)[] = []
const servers: { server: Server; cut(): void }[] = []

/** Is reached without a reservation, as a Node peer without WebRTC is. */
const FREE: Ways = { reservation: 'none', canDial: (address) => address.includes('/tcp/') }
/** Speaks circuit relay over TCP, and needs a reservation as a tab does. */
const TAB_LIKE: Ways = {
  reservation: 'needed',
  canDial: (address: string) => address.includes('/tcp/'),
}
/** What answers how libp2p is asked what a peer speaks; its types do not name it. */
interface Identifying {
  handleProtocol(stream: Stream, connection: Connection): Promise<void>
}
const QUICK = { retryMs: 20, retryMsMax: 200, pingIntervalMs: 200, pingTimeoutMs: 300 }

async function startBootstrap(
  port = 0,
  privateKey?: Awaited<ReturnType<typeof generateKeyPair>>,
  reservationTtlMs = 60_000,
) {
  const key = privateKey ?? (await generateKeyPair('Ed25519'))
  const bootstrap = await eventuallyStarted(() => createTestBootstrap(key, port, reservationTtlMs))
  nodes.push(bootstrap)
  const [address = ''] = addressesOf(bootstrap)
  return { bootstrap, key, address, port: Number(/\/tcp\/(\d+)/.exec(address)?.[1]) }
}

async function keep(
  refresh: () => Promise<readonly string[]>,
  options: Partial<RelayKeeperOptions> = {},
  ways = TAB_LIKE,
) {
  const changes: boolean[] = []
  const changed = (isUp: boolean) => changes.push(isUp)
  const { node } = await createTestNode({ relayed: true })
  const keeper = createRelayKeeper({ node, ways, refresh, changed }, { ...QUICK, ...options })
  nodes.push(node)
  keepers.push(keeper)
  return { node, keeper, changes }
}

/** A way to a port of this machine that takes its time, one way and the other. */
async function delayed(port: number) {
  const way = { delayMs: 0, port: 0, cut: () => {} }
  const sockets = new Set<Socket>()
  way.cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (data) => setTimeout(() => to.writable && to.write(data), way.delayMs))
      from.on('error', () => undefined)
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  servers.push({ server, cut: way.cut })
  const address = server.address()
  way.port = typeof address === 'object' && address !== null ? address.port : 0
  return way
}

const circuitOf = (node: SwarmNode) =>
  addressesOf(node).find((address) => address.includes('/p2p-circuit'))

afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(keepers.splice(0).map((keeper) => keeper.stop()))
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
  for (const { server, cut } of servers.splice(0)) {
    server.close()
    cut()
  }
})

describe('a relay keeper', { timeout: 60_000 }, () => {
  test('holds a reservation and gets it back when the relay restarts', async () => {
    const first = await startBootstrap()
    const { node, keeper, changes } = await keep(async () => [first.address])
    await keeper.start([first.address])
    expect(keeper.state).toBe('reserved')
    expect(keeper.isBootstrap(first.bootstrap.peerId.toString())).toBe(true)
    await first.bootstrap.stop()
    await eventually('the loss', () => keeper.state === 'lost')
    expect(circuitOf(node)).toBeUndefined()
    await startBootstrap(first.port, first.key)
    await eventually('the return', () => keeper.state === 'reserved', 20_000)
    expect(circuitOf(node)).toContain(first.address)
    await eventually('both changes', () => changes.length === 2)
    expect(changes).toEqual([false, true])
  })

  test('follows a relay that came back under another key and port', async () => {
    const first = await startBootstrap()
    let current = first.address
    const { node, keeper } = await keep(async () => [current])
    await keeper.start([first.address])
    await first.bootstrap.stop()
    current = (await startBootstrap()).address
    await eventually('the return', () => circuitOf(node)?.startsWith(current), 20_000)
    expect(keeper.state).toBe('reserved')
  })

  test('goes on as soon as its reservation is granted, which libp2p tells of a second later', async () => {
    const { address } = await startBootstrap()
    const { node, keeper } = await keep(async () => [address])
    const told: unknown[] = []
    node.addEventListener('self:peer:update', () => told.push(circuitOf(node)))
    await keeper.start([address])
    expect(keeper.state).toBe('reserved')
    expect(told.filter((circuit) => circuit !== undefined)).toEqual([])
  })

  test.each([
    { renewMs: 300, remains: 'keeps' },
    { renewMs: 60_000, remains: 'would lose' },
  ])(
    '$remains its reservation at a relay whose clock is two hours ahead when it asks again after $renewMs ms',
    async ({ renewMs, remains }) => {
      const TTL_MS = 1_200
      const { bootstrap, address } = await startBootstrap(0, undefined, TTL_MS)
      // The relay says by `Date.now()` when a reservation ends, and a peer reads that by `new Date()`.
      const { now } = Date
      vi.spyOn(Date, 'now').mockImplementation(() => now() + 2 * 3_600_000)
      const { node, keeper } = await keep(async () => [address], { renewMs, pingIntervalMs: 100 })
      await keeper.start([address])
      const { reservations } = (bootstrap as Libp2p<{ relay: CircuitRelayService }>).services.relay
      expect(reservations.size).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 2 * TTL_MS))
      expect(reservations.has(node.peerId)).toBe(remains === 'keeps')
      expect(keeper.state).toBe('reserved')
    },
  )

  test('replaces a connection that no longer answers', async () => {
    const { bootstrap, address } = await startBootstrap()
    const { node, keeper } = await keep(async () => [address])
    await keeper.start([address])
    const [before] = node.getConnections()
    await bootstrap.unhandle('/ipfs/ping/1.0.0')
    await bootstrap.handle('/ipfs/ping/1.0.0', () => undefined)
    const after = await eventually('a new connection', () =>
      node.getConnections().find(({ id }) => id !== before?.id),
    )
    expect(after.remotePeer.equals(bootstrap.peerId)).toBe(true)
  })

  test('gives a server that is too slow for one attempt more time in the next', async () => {
    const { port, address } = await startBootstrap()
    const way = await delayed(port)
    // A handshake takes half a dozen of these delays each way.
    const times = { dialMs: 1_000, dialMsMax: 20_000 }
    const { keeper } = await keep(async () => [], { ...times, pingTimeoutMs: 5_000 })
    await keeper.start([address.replace(`/tcp/${port}/`, `/tcp/${way.port}/`)])
    way.delayMs = 400
    way.cut()
    await eventually('the loss', () => keeper.state === 'lost')
    await eventually('the return', () => keeper.state === 'reserved', 40_000)
  })

  test('does not take a server for dead because its own thread was held up', async () => {
    const { address } = await startBootstrap()
    const patient = { pingIntervalMs: 1, pingTimeoutMs: 2_000 }
    const { node, keeper, changes } = await keep(async () => [address], patient)
    await keeper.start([address])
    const [before] = node.getConnections()
    for (let stall = 0; stall < 4; stall++) {
      const untilMs = performance.now() + 2_500
      while (performance.now() < untilMs);
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(changes).toEqual([])
    expect(node.getConnections().map(({ id }) => id)).toEqual([before?.id])
  })

  test('asks a server again what it speaks when it did not say, so that gossip hears of it', async () => {
    const { bootstrap, address } = await startBootstrap()
    const IDENTIFY = '/ipfs/id/1.0.0'
    const { node, keeper } = await keep(async () => [address], {}, FREE)
    const identified: string[] = []
    node.addEventListener('peer:identify', ({ detail }) => identified.push(detail.connection.id))
    const { identify } = (bootstrap as Libp2p<{ identify: Identifying }>).services
    await bootstrap.unhandle(IDENTIFY)
    await bootstrap.handle(IDENTIFY, (stream) => stream.abort(new Error('too busy')))
    await keeper.start([address])
    await eventually('a look', () => keeper.state === 'connected')
    await new Promise((resolve) => setTimeout(resolve, 3 * QUICK.pingIntervalMs))
    expect(identified).toEqual([])
    await bootstrap.unhandle(IDENTIFY)
    await bootstrap.handle(IDENTIFY, (stream, connection) =>
      identify.handleProtocol(stream, connection),
    )
    await eventually('its answer', () => identified.length > 0)
    expect(identified[0]).toBe(node.getConnections()[0]?.id)
  })

  test('says in one line that no bootstrap node answers', async () => {
    const { bootstrap, address } = await startBootstrap()
    await bootstrap.stop()
    const { keeper } = await keep(async () => [address])
    await expect(keeper.start([address])).rejects.toMatchObject({
      name: 'PeerError',
      fault: { code: 'unreachable', url: address },
    })
    expect(keeper.state).toBe('lost')
  })
})
