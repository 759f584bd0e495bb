import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import '../polyfill.ts'
import { releaseId } from '@layerswarm/model'
import { encodeMessage, presenceTopic } from '@layerswarm/swarm'
import { anyPresence } from '@layerswarm/swarm/testing'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { SignalingError } from '../errors.ts'
import { freePort } from '../free-port.ts'
import type { LogEntry } from '../log.ts'
import type { SignalingOptions } from '../options.ts'
import { writeRelease } from '../release-fixture.ts'
import { createSignaling, type Signaling } from '../signaling.ts'
import { parsePeerWith } from './peering.ts'

const soon = { timeout: 15_000, interval: 20 }

let root: string
let model: string
let stranger: string
let release: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'layerswarm-peering-'))
  model = join(root, 'tiny')
  stranger = join(root, 'other')
  release = releaseId(await writeRelease(model, 'tiny'))
  await writeRelease(stranger, 'other', 2)
})
afterAll(() => rm(root, { recursive: true }))

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

/** A server that is told of others, and what it has logged. */
async function start(port: number, peerWith: string[], options: Partial<SignalingOptions> = {}) {
  const lines: LogEntry[] = []
  const server = createSignaling({
    ...{ port, peerWith, modelDirs: [model], log: (entry) => lines.push(entry) },
    ...options,
  })
  stops.push(() => server.stop())
  const { url, peerId } = await server.start()
  const said = (event: string) =>
    lines.filter((line) => line.event === event).map(({ text }) => text)
  return { server, url, peerId, said }
}

const isMet = ({ server }: { server: Signaling }) =>
  vi.waitFor(() => expect(server.snapshot().servers).toEqual({ connected: 1, away: 0 }), soon)

async function others(url: string): Promise<unknown> {
  return ((await (await fetch(`${url}/bootstrap.json`)).json()) as { others: unknown }).others
}

describe('two servers that name each other', { timeout: 60_000 }, () => {
  test('meet once, name each other to peers, pass presence on, and meet again when one was away', async () => {
    const ports = await Promise.all([freePort(), freePort(), freePort()])
    const [a, b] = ports.map((port) => `http://127.0.0.1:${port}/`) as [string, string]
    const [portA, portB, tcpPort] = ports as [number, number, number]
    const [one, two] = await Promise.all([
      start(portA, [b], { dataDir: join(root, 'one') }),
      start(portB, [a], { tcpPort }),
    ])
    await Promise.all([isMet(one), isMet(two)])
    expect([await others(one.url), await others(two.url)]).toEqual([[b], [a]])
    // The one with the smaller peer id dials, and not both.
    expect(one.server.snapshot().relay.connections).toEqual({ websocket: 1, tcp: 0 })

    const peer = await joinByTcp(tcpPort, two.peerId)
    const counted = () => one.server.snapshot().releases[0]?.peers
    await vi.waitFor(async () => {
      await announce(peer)
      expect(counted()).toBe(1)
    }, soon)

    await one.server.stop()
    await vi.waitFor(() => expect(two.said('server-lost')).toHaveLength(1), soon)
    expect(two.server.snapshot().servers).toEqual({ connected: 0, away: 1 })
    expect(await others(two.url)).toEqual([a])
    await one.server.start()
    await Promise.all([isMet(one), isMet(two)])
    await vi.waitFor(() => expect(two.said('server-met')).toHaveLength(2), soon)
  })
})

describe('a server', { timeout: 60_000 }, () => {
  test('says in one line each which of those it was told of are none, and serves all the same', async () => {
    const other = await start(0, [], { modelDirs: [stranger] })
    const notSignaling = `${other.url}/samples/`
    const [own, dead] = await Promise.all([freePort(), freePort()])
    const wrong = [`http://127.0.0.1:${own}/`, `http://127.0.0.1:${dead}/`, `${other.url}/`]
    const { url, said } = await start(own, wrong)
    await vi.waitFor(() => expect(said('server-refused')).toHaveLength(3), soon)
    const refused = said('server-refused').toSorted()
    const expected = [
      [wrong[0], 'it is this server itself; name the other one'],
      [wrong[1], 'it does not answer (connect ECONNREFUSED'],
      [wrong[2], 'it serves another swarm: none of its releases is offered here'],
    ]
    for (const [place, reason] of expected)
      expect(refused).toContainEqual(
        expect.stringContaining(`not peering with ${place}: ${reason}`),
      )
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect(await others(url)).toEqual([])
    const { said: alsoSaid } = await start(0, [notSignaling])
    await vi.waitFor(() => expect(alsoSaid('server-refused')[0]).toContain('answers 404'), soon)
  })

  test('that answers and takes no WebSocket is refused with what it may be', async () => {
    const other = await start(0, [])
    const bootstrap = await (await fetch(`${other.url}/bootstrap.json`)).text()
    const plain = createServer((_, response) => response.end(bootstrap))
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
    stops.push(async () => void plain.close())
    const { port } = plain.address() as AddressInfo
    const { said } = await start(0, [`http://127.0.0.1:${port}/`])
    await vi.waitFor(() => expect(said('server-refused')).toHaveLength(1), soon)
    expect(said('server-refused')[0]).toMatch(/takes no WebSocket there \(.+\); does a proxy/)
  })

  test.each([
    [['other.example'], 'cannot peer with "other.example"; it looks like https://other.example/'],
    [['ftp://other.example/'], 'cannot peer with "ftp://other.example/"'],
    [['https://user:secret@other.example/'], 'cannot peer with'],
    [[1, 2, 3, 4].map((at) => `https://${at}.example`), '4 servers to peer with are too many'],
  ])('does not start with %o', async (peerWith, words) => {
    const error: unknown = await createSignaling({ port: 0, modelDirs: [model], peerWith })
      .start()
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(SignalingError)
    expect(error).toMatchObject({
      fault: { code: 'bad-option', option: 'peerWith' },
      message: expect.stringContaining(words),
    })
  })

  test('takes a URL as it is copied from a browser, and each once', () => {
    const urls = parsePeerWith([
      'https://other.example/swarm?a=1#b',
      'https://other.example/swarm/',
    ])
    expect(urls.map(String)).toEqual(['https://other.example/swarm/'])
  })
})

type Client = Libp2p<{ pubsub: GossipSub }>

async function joinByTcp(port: number, peerId: string): Promise<Client> {
  const client: Client = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
  })
  stops.push(async () => client.stop())
  await client.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${peerId}`))
  client.services.pubsub.subscribe(presenceTopic(release, 0))
  return client
}

let announced = 0
async function announce({ services: { pubsub } }: Client): Promise<void> {
  const presence = anyPresence({ release, sequence: ++announced, layers: [1] })
  await pubsub.publish(presenceTopic(release, 0), encodeMessage(presence))
}
