import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCountingProxy } from '../support/counting-proxy.ts'
import { type RunningSwarm, startSwarm } from '../support/run-command.ts'
import { expectAccessible, seriousFindings, VIEWS } from './axe.ts'
import { launchBrowser, openTab, type Tab } from './browser.ts'
import { compareShot, WIDTHS } from './page-shots.ts'

const LAYERS = 8
const PEERS = 2
/** All that may cross the network before anybody joins, what is kept for a visit without one included. */
const FIRST_LOAD_BYTES_MAX = 120_000
/** A visit after that: the page and the state of the swarm are asked for again, and little else. */
const SECOND_LOAD_BYTES_MAX = 20_000

let browser: Browser
let swarm: RunningSwarm
beforeAll(async () => {
  browser = await launchBrowser()
  swarm = await startSwarm('--peers', String(PEERS), '--port', '0')
})
afterAll(async () => {
  await browser?.close()
  await swarm?.end('SIGTERM')
})

describe('the page at rest', () => {
  let tab: Tab
  const requests: string[] = []
  beforeAll(async () => {
    tab = await openTab(browser, swarm.url, 'fresh')
    tab.page.on('request', (request) => requests.push(request.url()))
    await tab.page.reload()
    await tab.page.getByTestId('sample').nth(23).waitFor()
  })
  afterAll(() => tab?.context.close())

  test('has fetched no runtime, and nothing from elsewhere', () => {
    expect(requests.filter((url) => url.endsWith('.wasm'))).toEqual([])
    expect(requests.filter((url) => new URL(url).origin !== swarm.url)).toEqual([])
  })

  test('costs less than 120 kB on the first visit, and hardly anything on the second', async () => {
    const proxy = await startCountingProxy(swarm.url)
    const context = await browser.newContext()
    try {
      const page = await context.newPage()
      await page.goto(proxy.url)
      await page.getByTestId('sample').nth(23).waitFor()
      await page.evaluate(() => navigator.serviceWorker.ready)
      const first = proxy.bytes
      expect(first).toBeGreaterThan(50_000)
      expect(first).toBeLessThan(FIRST_LOAD_BYTES_MAX)
      await page.close()
      const again = await context.newPage()
      await again.goto(proxy.url)
      await again.getByTestId('sample').nth(23).waitFor()
      expect(proxy.bytes - first).toBeLessThan(SECOND_LOAD_BYTES_MAX)
    } finally {
      await context.close()
      await proxy.stop()
    }
  })

  test('shows the living swarm before joining: who is there, and hosts per layer', async () => {
    const { page } = tab
    await page
      .getByText(`${PEERS} peers are in this swarm now and host all ${LAYERS} layers.`)
      .waitFor()
    expect(await page.locator('#swarm .node').count()).toBe(PEERS + 1)
    expect(await page.locator('#coverage .column').count()).toBe(LAYERS)
    expect((await tab.snapshot()).state).toBe('offline')
  })

  test('shows no serious finding of axe, wide or narrow, dark or light', async () => {
    const [wide, narrow] = VIEWS
    await expectAccessible(tab.page, [
      ['light', wide],
      ['dark', wide],
      ['light', narrow],
      ['dark', narrow],
    ])
  })

  test.each(WIDTHS.flatMap((width) => [[width, 'light'] as const, [width, 'dark'] as const]))(
    'looks at %i pixels, %s, much as its stored screenshot',
    async (width, colorScheme) => {
      await tab.page.setViewportSize({ width, height: 844 })
      await tab.page.emulateMedia({ colorScheme })
      await compareShot(tab.page, `chromium-${width}-${colorScheme}`)
      const overflow = await tab.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      )
      expect(overflow).toBe(0)
      await tab.page.emulateMedia({ colorScheme: 'light' })
    },
  )

  test('shows a few samples, and fetches all of them once others are wanted', async () => {
    const { page } = tab
    await page.getByText('24 of 500 sample pictures').waitFor()
    const before = await page.getByTestId('sample').first().getAttribute('data-index')
    expect(before).toBe('0')
    await page.getByRole('button', { name: 'Show others' }).click()
    await page.locator('[data-testid="sample"][data-index]').nth(23).waitFor()
    await page.waitForFunction(() =>
      [...document.querySelectorAll<HTMLElement>('[data-testid="sample"]')].some(
        ({ dataset }) => Number(dataset.index) > 23,
      ),
    )
  })

  test('gives a link and a code to invite others with, and says who can open it', async () => {
    const { page } = tab
    await page.locator('#share summary').click()
    expect(await page.getByTestId('share-link').textContent()).toBe(swarm.url)
    await page.getByText('This address works on this computer only').waitFor()
    await page.waitForFunction(() => {
      const code = document.querySelector<HTMLCanvasElement>('#share-code')
      // At least the 21 modules of the smallest code and its border, 4 pixels each.
      return code !== null && code.width >= 4 * 25
    })
  })

  test('its host sees the same swarm at /swarm, and programs as JSON', async () => {
    const page = await tab.context.newPage()
    await page.goto(`${swarm.url}/swarm`)
    await page.getByText(`${PEERS} peers host layers, 0 only ask.`).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.close()
    const view = (await (await fetch(`${swarm.url}/swarm.json`)).json()) as {
      releases: { hosts: number[]; peers: unknown[] }[]
    }
    expect(view.releases[0]?.peers).toHaveLength(PEERS)
    expect(view.releases[0]?.hosts.every((hosts) => hosts > 0)).toBe(true)
  })

  test('can be installed: its manifest names icons that are there', async () => {
    const href = await tab.page.locator('link[rel="manifest"]').getAttribute('href')
    const at = new URL(href ?? '', `${swarm.url}/`)
    const { icons, start_url } = (await (await fetch(at)).json()) as {
      icons: { src: string; type: string }[]
      start_url: string
    }
    expect(new URL(start_url, at).href).toBe(`${swarm.url}/`)
    for (const { src, type } of icons) {
      const response = await fetch(new URL(src, at))
      expect(response.headers.get('content-type')).toContain(type)
    }
    const devtools = await tab.devtools()
    const { errors } = await devtools.send('Page.getAppManifest')
    expect(errors).toEqual([])
  })

  test('can be called back while it joins', async () => {
    const { page } = tab
    await page.getByTestId('join').click()
    await page.locator('#join-fetching[aria-current="step"]').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    expect((await tab.snapshot()).state).toBe('offline')
    await page.getByTestId('join').waitFor()
    expect(await page.getByTestId('state').textContent()).toBe('offline')
    expect(await page.locator('#notice').isHidden()).toBe(true)
    expect(await page.locator('#join-progress').isHidden()).toBe(true)
  })

  test('comes from the browser when its server is away, and says so', async () => {
    const { page, context } = tab
    // From the first visit on: nothing was loaded again since.
    const fresh = await browser.newContext()
    const first = await fresh.newPage()
    await first.goto(swarm.url)
    await first.evaluate(() => navigator.serviceWorker.ready)
    await fresh.setOffline(true)
    await first.reload()
    await first.getByTestId('sample').nth(23).waitFor()
    await fresh.close()
    await context.setOffline(true)
    await page.reload()
    await page.getByText('does not answer').waitFor()
    await page.getByTestId('sample').nth(23).waitFor()
    expect((await tab.snapshot()).state).toBe('offline')
    await context.setOffline(false)
    await page.getByText('10 classes, 8 layers').waitFor()
    expect(await page.locator('#notice').isHidden()).toBe(true)
  })
})

test('joining that fails says why in plain words, once, and the rest in the details', async () => {
  const context = await browser.newContext({ serviceWorkers: 'block' })
  const page = await context.newPage()
  try {
    await page.route('**/*.wasm', (route) => route.abort())
    await page.goto(swarm.url)
    await page.getByText('10 classes, 8 layers').waitFor()
    await page.getByTestId('join').click()
    await page.getByText('could not start what layers are computed with').waitFor()
    expect(await page.getByTestId('join').isVisible()).toBe(true)
    const names = page.getByText(/ort-|wasm|webgpu|tfjs/i)
    expect(await names.filter({ visible: true }).count()).toBe(0)
    expect(await page.locator('#join-detail').textContent()).toContain('ort-wasm')
    expect(await seriousFindings(page)).toEqual([])
  } finally {
    await context.close()
  }
})

test('a host that strips the isolation headers is named as the reason for one thread', async () => {
  const context = await browser.newContext({ serviceWorkers: 'block' })
  const page = await context.newPage()
  try {
    await page.route(`${swarm.url}/`, async (route) => {
      const response = await route.fetch()
      const headers = response.headers()
      delete headers['cross-origin-opener-policy']
      delete headers['cross-origin-embedder-policy']
      await route.fulfill({ response, headers })
    })
    await page.goto(swarm.url)
    await page.getByText('strips its isolation headers').waitFor()
  } finally {
    await context.close()
  }
})
