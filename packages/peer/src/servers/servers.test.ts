import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BOOTSTRAP_NODES_MAX, PROTOCOL_VERSION } from '@layerswarm/swarm'
import { afterEach, describe, expect, test } from 'vitest'
import { SERVER_HEDGE_MS } from '../limits.ts'
import { createServers } from './servers.ts'

const PEER_ID = `12D3KooW${'b'.repeat(44)}`

const opened: Server[] = []
afterEach(() => {
  for (const server of opened.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  opened.push(server)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** A server of a swarm that names these others. */
const speaking = (others: readonly string[] = []) =>
  serve((_, response) => {
    const document = {
      protocol: PROTOCOL_VERSION,
      peerId: PEER_ID,
      addresses: [],
      releases: [],
      others,
    }
    response.end(JSON.stringify(document))
  })

/** Takes every question and answers none. */
const silent = () => serve(() => {})

/** Nobody listens on this port any more. */
async function dead(): Promise<string> {
  const url = await silent()
  await new Promise((closed) => opened.pop()?.close(closed))
  return url
}

describe('the servers of a swarm', () => {
  test.each([
    [[], 'bad-options'],
    [
      Array.from({ length: BOOTSTRAP_NODES_MAX + 1 }, (_, at) => `http://${at}.example`),
      'bad-options',
    ],
    [['http://one.example', 'two.example'], 'bad-join-url'],
  ])('cannot be %o', (join, code) => {
    expect(() => createServers(join)).toThrow(
      expect.objectContaining({ name: 'PeerError', fault: expect.objectContaining({ code }) }),
    )
  })

  test('are asked until one answers, and that one first from then on', async () => {
    const [gone, good] = [await dead(), await speaking()]
    const servers = createServers([gone, good])
    const { url, bootstrap } = await servers.readAny()
    expect(url.href).toBe(good)
    expect(bootstrap.addresses[0]).toContain(PEER_ID)
    expect(servers.urls.map(String)).toEqual([good, gone])
  })

  test('are asked beside one that takes its time', async () => {
    const servers = createServers([await silent(), await speaking()])
    const startMs = performance.now()
    await servers.readAny()
    const tookMs = performance.now() - startMs
    expect(tookMs).toBeGreaterThan(SERVER_HEDGE_MS - 50)
    expect(tookMs).toBeLessThan(SERVER_HEDGE_MS + 2_000)
  })

  test('say in one line that none of them answers, and of a single one what is wrong', async () => {
    const [one, other] = [await dead(), await dead()]
    await expect(createServers(one).readAny()).rejects.toMatchObject({
      fault: { code: 'unreachable', url: `${one}bootstrap.json` },
    })
    await expect(createServers([one, other]).readAny()).rejects.toMatchObject({
      fault: { code: 'unreachable' },
      message: expect.stringMatching(/^none of the 2 servers can be joined: .+; .+$/),
    })
  })

  test('are learned from those that were named, and not from those that were learned', async () => {
    const far = 'http://far.example/'
    const learned = await speaking([far])
    const servers = createServers(await speaking([learned]))
    const known: string[] = []
    servers.follow((url) => known.push(url.href))
    await servers.readAny()
    expect(known[1]).toBe(learned)
    await servers.read(new URL(learned))
    expect(known).toHaveLength(2)
  })

  test('are no more than a swarm has', async () => {
    const names = Array.from(
      { length: BOOTSTRAP_NODES_MAX - 1 },
      (_, at) => `http://${at}.example/`,
    )
    const told = [await speaking(names), 'http://told.example/']
    const servers = createServers(told)
    await servers.readAny()
    expect(servers.urls.map(String)).toEqual([...told, ...names.slice(0, BOOTSTRAP_NODES_MAX - 2)])
  })

  test('are not asked while they are refused, unless there is no other', async () => {
    const servers = createServers(['http://one.example/', 'http://two.example/'])
    const [one, two] = servers.urls as [URL, URL]
    servers.refuse(one, true)
    expect(servers.urls).toEqual([two])
    servers.refuse(two, true)
    expect(servers.urls).toEqual([one, two])
    servers.refuse(one, false)
    expect(servers.urls).toEqual([one])
  })
})
