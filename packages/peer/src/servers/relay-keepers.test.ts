import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PROTOCOL_VERSION, type SwarmKey, swarmId } from '@layerswarm/swarm'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p } from 'libp2p'
import { afterEach, describe, expect, test } from 'vitest'
import type { SwarmNode, Ways } from '../node/libp2p-config.ts'
import {
  addressesOf,
  createTestBootstrap,
  createTestNode,
  eventually,
  eventuallyStarted,
  RELEASE,
} from '../testing/test-nodes.ts'
import { createRelayKeepers, type RelayKeepers } from './relay-keepers.ts'
import type { ServerChange } from './server-state.ts'
import { createServers } from './servers.ts'

/** Speaks circuit relay over TCP, and needs a reservation as a tab does. */
const TAB_LIKE: Ways = {
  reservation: 'needed',
  canDial: (address) => address.includes('/tcp/'),
}
const QUICK = { retryMs: 20, retryMsMax: 200, pingIntervalMs: 200, pingTimeoutMs: 300 }
const PUBLISHER = 'cd'.repeat(32)

const keepers: RelayKeepers[] = []
const nodes: (SwarmNode | Libp2p)[] = []
const servers: Server[] = []
afterEach(async () => {
  await Promise.all(keepers.splice(0).map((keeper) => keeper.stop()))
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** A signaling server: a bootstrap node, and what it says of itself. */
async function serve(release = RELEASE, twin?: Libp2p, swarm?: string) {
  const key = await generateKeyPair('Ed25519')
  let bootstrap = twin ?? (await createTestBootstrap(key))
  if (twin === undefined) nodes.push(bootstrap)
  const port = Number(/\/tcp\/(\d+)/.exec(addressesOf(bootstrap)[0] ?? '')?.[1])
  const document = JSON.stringify({
    protocol: PROTOCOL_VERSION,
    swarm,
    addresses: addressesOf(bootstrap),
    releases: [{ id: release, name: 'tiny', publisher: PUBLISHER }],
  })
  const http = createServer((_, response) => response.end(document))
  servers.push(http)
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`,
    peer: bootstrap.peerId.toString(),
    bootstrap,
    stop: () => bootstrap.stop(),
    async again() {
      bootstrap = await eventuallyStarted(() => createTestBootstrap(key, port))
      nodes.push(bootstrap)
    },
  }
}

/** A tab that was told these URLs. */
const join = (...urls: string[]) => joinWith(undefined, ...urls)

/** And a key; how it shakes hands is not what is tested here. */
async function joinWith(swarmKey: SwarmKey | undefined, ...urls: string[]) {
  const { node } = await createTestNode({ relayed: true })
  nodes.push(node)
  const changes: ServerChange[] = []
  const known = createServers(urls)
  const keeper = createRelayKeepers(
    {
      ...{ node, ways: TAB_LIKE, servers: known, release: RELEASE, swarmKey },
      changed: (change) => changes.push(change),
    },
    QUICK,
  )
  keepers.push(keeper)
  await keeper.start(await known.readAny())
  return { node, keeper, changes }
}

/** Whether others can be introduced to a node at these bootstrap nodes, in this order. */
function reservedAt(node: SwarmNode, ...peers: string[]): boolean[] {
  const own = addressesOf(node)
  return peers.map((peer) => own.some((address) => address.includes(`/p2p/${peer}/p2p-circuit`)))
}

describe('relay keepers', { timeout: 60_000 }, () => {
  test('hold a reservation at each bootstrap node, and one when the other is gone, until it is back', async () => {
    const [one, two] = await Promise.all([serve(), serve()])
    const { node, keeper, changes } = await join(one.url, two.url)
    const reserved = () => reservedAt(node, one.peer, two.peer).join()
    await eventually('both', () => reserved() === 'true,true')
    expect(keeper.all.map(({ relay }) => relay)).toEqual(['reserved', 'reserved'])
    expect([one.peer, two.peer, 'x'].map(keeper.isBootstrap)).toEqual([true, true, false])
    await one.stop()
    await eventually('the loss', () => reserved() === 'false,true')
    expect(keeper.state).toBe('reserved')
    await one.again()
    await eventually('the return', () => reserved() === 'true,true', 20_000)
    await eventually('the news', () => changes.length === 4)
    expect(changes.map(({ url, state }) => [url, state])).toEqual(
      expect.arrayContaining([
        [two.url, 'met'],
        ...['met', 'away', 'met'].map((state) => [one.url, state]),
      ]),
    )
  })

  test('let in by one server while another is away, and meet that one when it comes', async () => {
    const [one, two] = await Promise.all([serve(), serve()])
    await two.stop()
    const { node, keeper, changes } = await join(one.url, two.url)
    expect(keeper.state).toBe('reserved')
    const of = (url: string) => changes.filter((change) => change.url === url)
    await eventually('the complaint', () => of(two.url)[0]?.state === 'away')
    await two.again()
    await eventually('both', () => !reservedAt(node, one.peer, two.peer).includes(false), 20_000)
    await eventually('the news', () => of(two.url)[1]?.state === 'met')
    expect(of(two.url)).toHaveLength(2)
  })

  test('refuse a server of another swarm, and one under a second name, in a line each', async () => {
    const one = await serve()
    const [stranger, twin] = [await serve('ef'.repeat(32)), await serve(RELEASE, one.bootstrap)]
    const { keeper, changes } = await join(one.url, stranger.url, twin.url)
    const refused = () => changes.filter(({ state }) => state === 'refused')
    await eventually('two refusals', () => refused().length === 2)
    expect(new Map(refused().map(({ url, reason }) => [url, reason]))).toEqual(
      new Map([
        [stranger.url, expect.stringContaining('another swarm')],
        [twin.url, `it is the same server as ${one.url}`],
      ]),
    )
    expect(keeper.isBootstrap(stranger.peer)).toBe(false)
  })

  test('refuse a server of another private swarm in a line, and one that is not private', async () => {
    const key = 'k'.repeat(43) as SwarmKey
    const swarms = [swarmId(key), swarmId('l'.repeat(43) as SwarmKey), undefined]
    const all = await Promise.all(swarms.map((swarm) => serve(RELEASE, undefined, swarm)))
    const strangers = all.slice(1)
    const { changes } = await joinWith(key, ...all.map(({ url }) => url))
    const refused = () => changes.filter(({ state }) => state === 'refused')
    await eventually('two refusals', () => refused().length === 2)
    expect(new Set(refused().map(({ url }) => url))).toEqual(
      new Set(strangers.map(({ url }) => url)),
    )
    for (const { reason } of refused()) expect(reason).toContain('its key is not that of this one')
  })

  test('say in one line that no bootstrap node answers', async () => {
    const [one, two] = await Promise.all([serve(), serve()])
    await Promise.all([one.stop(), two.stop()])
    await expect(join(one.url, two.url)).rejects.toMatchObject({
      name: 'PeerError',
      fault: { code: 'unreachable' },
    })
  })
})
