import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningSwarm, startCommandIn, startService } from '../support/run-command.ts'
import { startStaticHost } from '../support/static-host.ts'
import { startTlsProxy, type TlsProxy } from '../support/tls-proxy.ts'
import { classifySample, launchBrowser, meshed, openTab, type Tab } from './browser.ts'

const LAYERS = 8
const NAME = 'swarm.example'

/** The browser takes the test's own certificate, and finds the name on this machine. */
const FLAGS = ['--ignore-certificate-errors', `--host-resolver-rules=MAP ${NAME} 127.0.0.1`]

let browser: Browser
let server: RunningSwarm
let proxy: TlsProxy
beforeAll(async () => {
  browser = await launchBrowser(FLAGS)
  server = await startService('signaling', '--port', '0')
  proxy = await startTlsProxy(NAME, '/swarm/', new URL(server.url))
})
afterAll(async () => {
  await browser?.close()
  await proxy?.stop()
  await server?.end('SIGTERM')
})

describe('two tabs and two volunteers behind a proxy that speaks TLS, in a folder of a host', () => {
  const tabs: Tab[] = []
  const volunteers: ChildProcess[] = []
  let dir = ''
  const asked: string[] = []
  const got: string[] = []
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'layerswarm-tls-'))
    const cert = join(dir, 'cert.pem')
    await writeFile(cert, proxy.cert)
    for (const layers of ['4,5', '6,7']) {
      const words = ['peer', '--join', proxy.localUrl, '--layers', layers]
      volunteers.push(startCommandIn({ NODE_EXTRA_CA_CERTS: cert }, words))
    }
    for (const layers of ['0,1', '2,3']) {
      const tab = await openTab(browser, proxy.url.slice(0, -1), `layers=${layers}`)
      tab.page.on('request', (request) => asked.push(request.url()))
      tab.page.on('websocket', (socket) => asked.push(socket.url()))
      tab.page.on('response', async (response) => {
        // Those of files that the service worker fetched are not kept by the browser.
        if (response.url().endsWith('.json')) got.push(await response.text().catch(() => ''))
      })
      tabs.push(tab)
    }
  })
  afterAll(async () => {
    await Promise.all(tabs.map(({ context }) => context.close()))
    await Promise.all(
      volunteers.map(async (child) => {
        child.kill('SIGTERM')
        if (child.exitCode === null) await once(child, 'exit')
      }),
    )
    await rm(dir, { recursive: true, force: true })
  })

  test('join, share the layers over WebRTC and classify 20 of 20', async () => {
    for (const { page } of tabs) await page.getByTestId('join').click()
    for (const tab of tabs) {
      await tab.until(
        'it is connected to the other tab and to both volunteers',
        ({ peers, coverage }) =>
          peers.filter(({ transport }) => transport === 'webrtc').length === 3 &&
          coverage.length === LAYERS &&
          coverage.every((hosts) => hosts === 1),
      )
    }
    const [asker] = tabs as [Tab]
    for (let index = 0; index < 20; index++) {
      const { hops, missing, route } = await classifySample(asker, index)
      expect({ hops, missing }).toEqual({ hops: LAYERS, missing: 0 })
      expect(new Set(route.map(({ peer }) => peer)).size).toBe(4)
    }
    expect((await asker.snapshot()).bytes.tensorsOverRelay).toBe(0)
  })

  test('are asked by the example for Node at the same address', async () => {
    const root = fileURLToPath(new URL('../..', import.meta.url))
    // With the slash at its end and without.
    for (const url of [proxy.localUrl, proxy.localUrl.replace(/\/$/, '')]) {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['examples/ask-from-node/ask.js', url],
        { cwd: root, env: { ...process.env, NODE_EXTRA_CA_CERTS: join(dir, 'cert.pem') } },
      )
      expect(stdout).toMatch(/^[A-Z][\w/ -]*, \d+\.\d %\nlayers in this order: /)
    }
  })

  test('met the swarm at the folder, and heard of no other address of the server', async () => {
    const { port } = new URL(server.url)
    const { host } = new URL(proxy.url)
    expect(asked).toContain(`wss://${host}/swarm/ws`)
    for (const url of asked) expect(new URL(url).host).toBe(host)
    const snapshots = await Promise.all(tabs.map((tab) => tab.snapshot()))
    expect(got.some((text) => text.includes('"peerId"'))).toBe(true)
    for (const text of [...got, ...snapshots.map((one) => JSON.stringify(one))]) {
      expect(text).not.toContain('127.0.0.1')
      expect(text).not.toContain(port)
    }
  })

  test('invite others to the folder', async () => {
    const [{ page }] = tabs as [Tab]
    await page.locator('#share summary').click()
    expect(await page.getByTestId('share-link').textContent()).toBe(proxy.url)
  })

  test('saw no error in their consoles', () => {
    for (const { errors } of tabs) expect(errors).toEqual([])
  })
})

test('the page as static files on another host joins the server that its address names', async () => {
  const host = await startStaticHost('/pages/')
  const query = `join=${encodeURIComponent(proxy.url)}&layers=0,1,2,3,4,5,6,7`
  const tab = await openTab(browser, host.url.slice(0, -1), query)
  try {
    await tab.page.getByTestId('join').click()
    await tab.until('it serves all layers', ({ hostedLayers }) => hostedLayers.length === LAYERS)
    expect(await classifySample(tab, 0)).toMatchObject({ hops: LAYERS, missing: 0 })
    await tab.page.locator('#share summary').click()
    expect(await tab.page.getByTestId('share-link').textContent()).toBe(
      `${host.url}?join=${encodeURIComponent(proxy.url)}`,
    )
    expect(tab.errors).toEqual([])
  } finally {
    await tab.context.close()
    await host.stop()
  }
})

const isOnNetwork = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ family, internal }) => family === 'IPv4' && !internal),
)

describe.runIf(isOnNetwork)('a server with a certificate of its own, on all addresses', () => {
  const STUN = 'stun:127.0.0.1:3478'
  const tabs: Tab[] = []
  let home = ''
  let lan: RunningSwarm
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'layerswarm-hosting-'))
    const flags = ['--host', '0.0.0.0', '--https', '--data', home, '--ice-server', STUN]
    lan = await startService('signaling', '--port', '0', ...flags)
  })
  afterAll(async () => {
    await Promise.all(tabs.map(({ context }) => context.close()))
    await lan?.end('SIGTERM')
    await rm(home, { recursive: true, force: true })
  })

  test('invites others to an address of the network, and this computer to none of loopback', async () => {
    expect(lan.url).toMatch(/^https:\/\/127\.0\.0\.1:/)
    expect(lan.urls[0]).toMatch(/^https:\/\/\d/)
    expect(lan.urls[0]).not.toContain('//127.')
    const here = await openTab(browser, lan.url, 'fresh')
    await here.page.getByTestId('sample').first().waitFor()
    await here.page.locator('#share summary').click()
    await here.page.getByText(lan.urls[0] ?? '').waitFor()
    await here.page.getByText('Anybody with this link').waitFor()
    await here.context.close()
  })

  test('lets tabs of other devices join, with the STUN server that it names to the visitor', async () => {
    for (const _ of [1, 2]) tabs.push(await openTab(browser, lan.urls[0] ?? '', 'capacity=4'))
    const [first] = tabs as [Tab]
    await first.page.getByText('this tab asks 127.0.0.1 for its own address').waitFor()
    await first.page.evaluate(() => {
      const seen = window as unknown as { iceServers: unknown[] }
      seen.iceServers = []
      window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(configuration?: RTCConfiguration) {
          super(configuration)
          seen.iceServers.push(configuration?.iceServers)
        }
      }
    })
    for (const { page } of tabs) await page.getByTestId('join').click()
    await meshed(tabs, LAYERS)
    expect(await classifySample(first, 0)).toMatchObject({ hops: LAYERS, missing: 0 })
    // Whoever has joined reads first what the tab does.
    const [reason, helpers] = ['reason', 'helpers'].map((id) => first.page.getByTestId(id))
    const end = await reason?.boundingBox().then((box) => (box?.y ?? 0) + (box?.height ?? 0))
    expect(end).toBeLessThanOrEqual((await helpers?.boundingBox())?.y ?? 0)
    const asked = await first.page.evaluate(
      () => (window as unknown as { iceServers: unknown[] }).iceServers,
    )
    expect(asked.length).toBeGreaterThan(0)
    for (const servers of asked) expect(servers).toEqual([{ urls: STUN }])
  })
})
