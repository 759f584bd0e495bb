import type { PeerSnapshot } from '@layerswarm/peer'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type RunningSwarm,
  startCommand,
  startService,
  startSwarm,
} from '../support/run-command.ts'
import { classifySample, launchBrowser, meshed, openTab, shownAnswer, type Tab } from './browser.ts'

const LAYERS = 8

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser?.close()
})

/** Bytes of one kind from the server's /metrics. */
async function metric(url: string, pattern: RegExp): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const values = text
    .split('\n')
    .filter((line) => pattern.test(line))
    .map((line) => Number(line.split(' ').at(-1)))
  return values.reduce((sum, value) => sum + value, 0)
}

describe('three tabs, each with some of the layers', () => {
  let swarm: RunningSwarm
  let tabs: [Tab, Tab, Tab]

  beforeAll(async () => {
    swarm = await startService('signaling', '--port', '0')
    tabs = [
      await openTab(browser, swarm.url, 'layers=0,1,2,3&autojoin=1'),
      await openTab(browser, swarm.url, 'layers=2,3,4,5&autojoin=1'),
      await openTab(browser, swarm.url, 'layers=0,1,4,5,6,7&autojoin=1'),
    ]
    await meshed(tabs, LAYERS)
  })

  afterAll(async () => {
    for (const { context } of tabs ?? []) await context.close()
    await swarm?.end('SIGTERM')
  })

  test('are serving over WebRTC with the WASM engine, and say so', async () => {
    for (const { page, snapshot } of tabs) {
      expect(await page.getByTestId('state').textContent()).toContain('serving')
      const { backend, peers } = await snapshot()
      expect(backend).toBe('ort-wasm')
      expect(peers.map(({ transport, connection }) => [transport, connection])).toEqual([
        ['webrtc', 'direct'],
        ['webrtc', 'direct'],
      ])
    }
    expect(await tabs[0].page.getByTestId('hosted-layers').textContent()).toMatch(/0.*1.*2.*3/)
  })

  test('answer images together, every layer once, in orders that nobody chose', async () => {
    const orders = new Set<string>()
    let correct = 0
    for (let index = 0; index < 8; index++) {
      const answer = await classifySample(tabs[0], index)
      expect(answer.missing).toBe(0)
      expect(answer.hops).toBe(LAYERS)
      expect(answer.route.map(({ layer }) => layer).toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
      expect(new Set(answer.route.map(({ peer }) => peer)).size).toBeGreaterThanOrEqual(2)
      orders.add(answer.route.map(({ layer }) => layer).join())
      if (answer.label === answer.truth) correct++
    }
    expect(orders.size).toBeGreaterThanOrEqual(3)
    // Chance is 0.8 of 8.
    expect(correct).toBeGreaterThanOrEqual(4)
  })

  test('sent no tensor byte over the relay', async () => {
    let tensorBytes = 0
    for (const { snapshot } of tabs) {
      const { bytes } = await snapshot()
      expect(bytes.tensorsOverRelay).toBe(0)
      tensorBytes += bytes.tensorsOut
    }
    expect(tensorBytes).toBeGreaterThan(8 * 6_400)
    // What the relay did carry: connection set-up, far below one request's activations.
    const relayed = await metric(swarm.url, /^layerswarm_relayed_bytes/)
    expect(relayed).toBeGreaterThan(0)
    expect(relayed).toBeLessThan(tensorBytes / 2)
  })

  test('show nothing wrong in their consoles', () => {
    for (const { errors } of tabs) expect(errors).toEqual([])
  })

  test('lose one that crashes in mid-request, and the answer still comes', async () => {
    const [asker, , victim] = tabs
    const { peerId } = await victim.snapshot()
    const devtools = await victim.devtools()
    // The victim must be hit while a request is on its way: it goes as soon as its first hop shows.
    await asker.page.evaluate((peer) => {
      const seen = window as unknown as { firstHop?: Promise<void> }
      seen.firstHop = new Promise((resolve) => {
        new MutationObserver((_changes, observer) => {
          if (document.querySelector(`[data-testid="hop"][data-peer="${peer}"]`) === null) return
          observer.disconnect()
          resolve()
        }).observe(document.body, { subtree: true, childList: true })
      })
    }, peerId)
    await asker.page.getByTestId('sample').nth(9).click()
    await asker.page.evaluate(() => (window as unknown as { firstHop: Promise<void> }).firstHop)
    const crashed = victim.page.waitForEvent('crash')
    // The command kills the renderer that would answer it.
    devtools.send('Page.crash').catch(() => undefined)
    await crashed
    const answer = await shownAnswer(asker.page)
    expect(answer.hops + answer.missing).toBe(LAYERS)
    expect(answer.hops).toBeGreaterThanOrEqual(6)

    // Layers 6 and 7 died with their only host: the next answer says so.
    await asker.until('the crashed tab is gone', ({ peers }) =>
      peers.every(({ id }) => id !== peerId),
    )
    const partial = await classifySample(asker, 10)
    expect(partial.missing).toBe(2)
    expect(partial.route.map(({ layer }) => layer).toSorted()).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('stop serving when told to leave', async () => {
    const [asker, other] = tabs
    await other.page.getByTestId('leave').click()
    await other.until('it is offline', ({ state }) => state === 'offline')
    await asker.until('it is gone', ({ peers }) => peers.length === 0, 15_000)
    await asker.page.waitForFunction(() => document.querySelectorAll('#swarm .node').length === 1)
    expect(await other.page.getByTestId('state').textContent()).toContain('offline')
  })
})

describe('a mixed swarm of tabs and Node peers', () => {
  test('serves one request with hops on both kinds', async () => {
    const swarm = await startService('signaling', '--port', '0')
    const volunteer = startCommand('peer', '--join', swarm.url, '--layers', '0,1,2,3')
    volunteer.stdout?.resume()
    volunteer.stderr?.resume()
    const tab = await openTab(browser, swarm.url, 'layers=4,5,6,7&autojoin=1')
    try {
      await tab.until(
        'the Node peer is connected directly and all layers are hosted',
        ({ peers, coverage }) =>
          peers.some(
            ({ connection, transport }) => connection === 'direct' && transport === 'websocket',
          ) && coverage.every((hosts) => hosts > 0),
      )
      const { route, missing } = await classifySample(tab, 0)
      expect(missing).toBe(0)
      const { peers, peerId } = await tab.snapshot()
      const backends = new Map([
        [peerId, 'ort-wasm'],
        ...peers.map(({ id, backend }) => [id, backend] as const),
      ])
      expect(new Set(route.map(({ peer }) => backends.get(peer)))).toEqual(
        new Set(['ort-wasm', 'ort-node']),
      )
    } finally {
      await tab.context.close()
      volunteer.kill('SIGTERM')
      await swarm.end('SIGTERM')
    }
  })
})

describe('a tab that comes to a swarm of fast Node peers', () => {
  test('gets its first work within ten seconds, while others ask', async () => {
    const swarm = await startSwarm('--peers', '4', '--port', '0')
    const asker = startCommand('classify', '--samples', '5000', '--join', swarm.url)
    asker.stdout?.resume()
    asker.stderr?.resume()
    try {
      const tab = await openTab(browser, swarm.url, 'capacity=2&autojoin=1')
      await tab.until('it hosts layers', ({ hostedLayers }) => hostedLayers.length === 2)
      await tab.until('it has run one for somebody', ({ served }) => served > 0, 10_000)
      expect(asker.exitCode, 'the asking has not ended before').toBeNull()
      await tab.context.close()
    } finally {
      asker.kill('SIGTERM')
      await swarm.end('SIGTERM')
    }
  })
})

describe('a tab alone', () => {
  test('joins, takes every layer it may, and answers by itself', async () => {
    const swarm = await startService('signaling', '--port', '0')
    const tab = await openTab(browser, swarm.url, `capacity=${LAYERS}`)
    try {
      expect(await tab.page.getByTestId('state').textContent()).toContain('offline')
      await tab.page.getByTestId('join').click()
      await tab.until('it hosts all layers', ({ hostedLayers }) => hostedLayers.length === LAYERS)
      const { missing, hops } = await classifySample(tab, 1)
      expect([hops, missing]).toEqual([LAYERS, 0])
      const { served } = await tab.snapshot()
      expect(served).toBe(LAYERS)
    } finally {
      await tab.context.close()
      await swarm.end('SIGTERM')
    }
  })

  test('comes back from another page as the same peer, with its layers on disk', async () => {
    const swarm = await startService('signaling', '--port', '0')
    const tab = await openTab(browser, swarm.url, `capacity=${LAYERS}&autojoin=1`)
    const hostsAll = ({ hostedLayers }: PeerSnapshot) => hostedLayers.length === LAYERS
    try {
      const before = await tab.until('it hosts all layers', hostsAll)
      expect(before.bytes.layersFromHttp).toBeGreaterThan(0)
      await tab.page.goto('about:blank')
      await tab.page.goBack()
      await tab.page.waitForFunction(() => 'layerswarm' in window)
      const after = await tab.until('it hosts them again', hostsAll)
      expect(after.peerId).toBe(before.peerId)
      expect(after.bytes.layersFromHttp).toBe(0)
    } finally {
      await tab.context.close()
      await swarm.end('SIGTERM')
    }
  })

  test('says in one line what is wrong with its address', async () => {
    const swarm = await startService('signaling', '--port', '0')
    const tab = await openTab(browser, swarm.url, 'engine=quantum&autojoin=1')
    try {
      const notice = tab.page.getByText('quantum').first()
      await notice.waitFor()
      expect((await tab.snapshot()).state).toBe('offline')
    } finally {
      await tab.context.close()
      await swarm.end('SIGTERM')
    }
  })
})
