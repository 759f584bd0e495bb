import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAllowList } from '@layerswarm/swarm'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from './free-port.ts'
import { REFUSALS_LOGGED } from './limits.ts'
import { joinAsNewcomer } from './newcomer-fixture.ts'
import { writeRelease } from './release-fixture.ts'
import { createSignaling } from './signaling.ts'

const soon = { timeout: 15_000, interval: 20 }
const JOINED_MS_MAX = 15_000
/** What a server needs to turn somebody away. */
const TURNED_AWAY_MS = 1_500

let root = ''
let model = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'layerswarm-listed-'))
  model = join(root, 'tiny')
  await writeRelease(model, 'tiny')
})
afterAll(() => rm(root, { recursive: true }))

const stops: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

async function start(port = 0, peerWith: string[] = []) {
  const allowList = createAllowList(new Set<string>())
  const lines: string[] = []
  const log = ({ event, text }: { event: string; text: string }) => {
    if (event === 'peer-refused') lines.push(text)
  }
  const server = createSignaling({ port, modelDirs: [model], allowList, peerWith, log })
  stops.push(() => server.stop())
  return { ...(await server.start()), server, allowList, lines }
}

async function turnedAway(url: string): Promise<void> {
  await expect(joinAsNewcomer(url, TURNED_AWAY_MS)).rejects.toThrow('no place')
}

describe('a server with an allow-list', { timeout: 60_000 }, () => {
  test('says that it has one, and names nobody on it', async () => {
    const { url } = await start()
    expect(await (await fetch(`${url}/bootstrap.json`)).json()).toMatchObject({ allowList: true })
  })

  test('turns away who is not on it, in a line with the peer id, and tells how to let it in', async () => {
    const { url, lines, server } = await start()
    await turnedAway(url)
    expect(lines[0]).toMatch(/^12D3KooW\w+ is not on the allow-list .*SIGHUP/)
    expect(server.snapshot().relay).toMatchObject({ reservations: 0, presenceTopics: 0 })
    for (let i = 0; lines.length < REFUSALS_LOGGED.burst && i < 5; i++) await turnedAway(url)
    expect(lines.length).toBeLessThanOrEqual(REFUSALS_LOGGED.burst + 2)
  })

  test('hangs up on whoever is taken off it', async () => {
    const { url, allowList, server } = await start()
    let refused = ''
    server.on((event) => {
      if (event.type !== 'peer-refused' || refused !== '') return
      refused = event.peer
      allowList.replace(new Set([refused]))
    })
    const newcomer = await joinAsNewcomer(url, JOINED_MS_MAX)
    stops.push(() => newcomer.stop())
    expect(newcomer.peerId.toString()).toBe(refused)
    allowList.replace(new Set())
    await vi.waitFor(() => expect(newcomer.getConnections()).toEqual([]), soon)
    expect(server.snapshot().relay.reservations).toBe(0)
  })

  test('is connected to the other servers of its swarm without naming them', async () => {
    const ports = [await freePort(), await freePort()]
    const [here = '', there = ''] = ports.map((port) => `http://127.0.0.1:${port}/`)
    const one = await start(ports[0], [there])
    const other = await start(ports[1], [here])
    await vi.waitFor(() => expect(one.server.snapshot().servers.connected).toBe(1), soon)
    await vi.waitFor(() => expect(other.server.snapshot().servers.connected).toBe(1), soon)
    one.allowList.replace(new Set())
    expect(one.server.snapshot().servers.connected).toBe(1)
  })
})
