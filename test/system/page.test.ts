import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningSwarm, runCommand, startSwarm } from '../support/run-command.ts'
import { classifySample, launchBrowser, openTab, type Tab } from './browser.ts'
import { compareShot, keepShot, storesShots } from './page-shots.ts'

const LAYERS = 8
/** More are a better picture, and take longer. */
const PEERS = storesShots ? 5 : 2
/** Script that may be fetched before anybody joins, unpacked. */
const FIRST_SCRIPT_BYTES_MAX = 400_000

/** A camera that shows a moving test picture, and a person who allows it. */
const FAKE_CAMERA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']

/** A picture on its way, some hops after it was chosen, and the part of the page that shows it. */
async function onItsWay(page: Page): Promise<Buffer> {
  await page.getByTestId('sample').nth(8).click()
  await page.waitForTimeout(1_100)
  return page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width: 1280, height: 1180 } })
}

let browser: Browser
let swarm: RunningSwarm
let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-page-'))
  browser = await launchBrowser(FAKE_CAMERA)
  swarm = await startSwarm('--peers', String(PEERS), '--port', '0')
})
afterAll(async () => {
  await browser?.close()
  await swarm?.end('SIGTERM')
  await rm(scratch, { recursive: true, force: true })
})

/** Serious and critical findings of axe on the page as it is. */
async function seriousFindings(page: Page): Promise<string[]> {
  const script = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
  // Into a world of its own: the page's policy lets nobody add a script.
  const source = await readFile(script, 'utf8')
  const devtools = await page.context().newCDPSession(page)
  const { frameTree } = await devtools.send('Page.getFrameTree')
  const { executionContextId: contextId } = await devtools.send('Page.createIsolatedWorld', {
    frameId: frameTree.frame.id,
  })
  await devtools.send('Runtime.evaluate', { contextId, expression: source })
  const { result, exceptionDetails } = await devtools.send('Runtime.evaluate', {
    contextId,
    awaitPromise: true,
    returnByValue: true,
    expression: `axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ' ' + target.join(' '))))`,
  })
  await devtools.detach()
  if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text)
  return result.value as string[]
}

const VIEWS = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
] as const

/** axe on wide and narrow windows, each dark or light. */
async function expectAccessible(
  page: Page,
  schemes: readonly (readonly ['dark' | 'light', (typeof VIEWS)[number]])[],
): Promise<void> {
  for (const [colorScheme, view] of schemes) {
    await page.setViewportSize(view)
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    expect(await seriousFindings(page), `${view.width} px, ${colorScheme}`).toEqual([])
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' })
  await page.setViewportSize(VIEWS[0])
}

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

  test('has fetched less than 400 KB of script, no runtime, and nothing from elsewhere', async () => {
    expect(requests.filter((url) => url.endsWith('.wasm'))).toEqual([])
    const scripts = [...new Set(requests)].filter((url) => /\.js$/.test(url))
    let bytes = 0
    for (const url of scripts) bytes += (await (await fetch(url)).arrayBuffer()).byteLength
    expect(scripts.length).toBeGreaterThan(0)
    expect(bytes).toBeLessThan(FIRST_SCRIPT_BYTES_MAX)
    expect(requests.filter((url) => new URL(url).origin !== swarm.url)).toEqual([])
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

  test.each(VIEWS)('looks at $width pixels much as its stored screenshot', async (view) => {
    await tab.page.setViewportSize(view)
    await compareShot(tab.page, `at-rest-${view.width}`)
    const overflow = await tab.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    )
    expect(overflow).toBe(0)
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

describe('a tab in the swarm', () => {
  let tab: Tab
  const strangers: string[] = []
  let receipt = ''
  beforeAll(async () => {
    tab = await openTab(browser, swarm.url, 'capacity=4')
    const { page } = tab
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url())
      if (protocol.startsWith('http') && origin !== swarm.url) strangers.push(request.url())
    })
    page.on('websocket', (socket) => {
      if (new URL(socket.url()).hostname !== '127.0.0.1') strangers.push(socket.url())
    })
    await page.getByTestId('sample').first().waitFor()
  })
  afterAll(() => tab?.context.close())

  test('joins by keyboard, shows how far the runtime is, and answers', async () => {
    const { page } = tab
    await page.evaluate(() => {
      const seen = window as unknown as { shares: Set<number>; bytes: number; states: string[] }
      Object.assign(seen, { shares: new Set(), bytes: 0, states: [] })
      const bar = document.querySelector('progress')
      const state = document.querySelector('[data-testid="state"]')
      new MutationObserver(() => {
        if (bar !== null) seen.shares.add(bar.position)
        seen.bytes = Math.max(seen.bytes, bar?.max ?? 0)
        const now = state?.textContent ?? ''
        if (seen.states.at(-1) !== now) seen.states.push(now)
      }).observe(document.body, {
        subtree: true,
        childList: true,
        characterData: true,
        attributes: true,
      })
    })
    await page.getByTestId('join').focus()
    await page.keyboard.press('Enter')
    await tab.until('it serves four layers', ({ hostedLayers }) => hostedLayers.length === 4)
    await tab.until('all layers are hosted', ({ coverage }) => coverage.every((hosts) => hosts > 0))
    const { shares, bytes, states } = await page.evaluate(() => {
      const seen = window as unknown as { shares: Set<number>; bytes: number; states: string[] }
      return { shares: [...seen.shares], bytes: seen.bytes, states: seen.states }
    })
    expect(shares.some((share) => share > 0 && share < 1)).toBe(true)
    // What crosses the network, and not the 14 MB that become of it.
    expect(bytes).toBeGreaterThan(1_000_000)
    expect(bytes).toBeLessThan(5_000_000)
    // Nothing between the click and serving looks like a failure.
    expect(states.filter((state) => state !== '')).toEqual(['joining', 'serving'])
    // The keyboard's focus went with the button that took the place of Join.
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('leave')

    await page.getByTestId('sample').nth(3).focus()
    await page.keyboard.press('Enter')
    const card = page.locator('[data-testid="answer"][data-label]')
    await card.waitFor()
    expect(await card.getAttribute('data-hops')).toBe(String(LAYERS))
    expect(await card.textContent()).toContain(`${LAYERS} of ${LAYERS} layers`)
    expect(await card.textContent()).toContain('since the click')
    expect(Number(await card.getAttribute('data-ms'))).toBeGreaterThan(0)
  })

  test('gives less of its time as soon as that is chosen, and keeps its layers', async () => {
    await tab.page.getByLabel('Compute').selectOption('a quarter of it')
    const { hostedLayers } = await tab.until('it rests', ({ timeShare }) => timeShare === 0.25)
    expect(hostedLayers).toHaveLength(4)
    await tab.page.getByLabel('Compute').selectOption('all the time')
    await tab.until('it does not', ({ timeShare }) => timeShare === 1)
  })

  test('draws the way of a picture between the peers that it visits', async () => {
    await keepShot('in-flight', () => onItsWay(tab.page))
    await classifySample(tab, 3)
    await tab.page.waitForFunction(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('#swarm-lights')
      const { width, height } = canvas ?? { width: 1, height: 1 }
      const pixels = canvas?.getContext('2d')?.getImageData(0, 0, width, height).data ?? []
      // A line from one disc to another is hundreds of pixels long, and stays for the latest picture.
      return pixels.filter((value, at) => at % 4 === 3 && value > 100).length > 100
    })
  })

  test('shows what the answer was after hops on the way', async () => {
    const marked = tab.page.locator('[data-testid="hop"][data-best]')
    expect(await marked.count()).toBeGreaterThanOrEqual(1)
    const shares = await marked.evaluateAll((chips) =>
      chips.map((chip) => Number(chip.getAttribute('data-share'))),
    )
    for (const share of shares) expect(share).toBeGreaterThan(0)
    expect(await tab.page.locator('#bars .bar').count()).toBe(10)
  })

  test('says what it does: layers, images, bytes, and why this engine', async () => {
    // Others know nothing of a newcomer yet, and try it on one step in eight.
    for (let sample = 4; sample < 20 && (await tab.snapshot()).served === 0; sample++)
      await classifySample(tab, sample)
    await tab.until('it has served', ({ served }) => served > 0)
    const { page } = tab
    await page.waitForFunction(
      () => Number(document.querySelector('[data-testid="images-helped"]')?.textContent) > 0,
    )
    expect(await page.locator('#bytes').textContent()).toMatch(/[kM]B$/)
    expect(await page.getByTestId('backend-reason').textContent()).toContain('ort-wasm')
  })

  test('on a phone shows samples and answer without scrolling, for thumbs', async () => {
    const { page } = tab
    await classifySample(tab, 6)
    await page.setViewportSize(VIEWS[1])
    const seen = await page.evaluate(() => {
      scrollTo(0, 0)
      const bottom = (selector: string) =>
        document.querySelector(selector)?.getBoundingClientRect().bottom ?? Number.NaN
      const targets = document.querySelectorAll('button, select, summary, [role="tab"]')
      const small = [...targets].filter((target) => {
        const { width, height } = target.getBoundingClientRect()
        return width > 0 && (height < 44 || width < 44)
      })
      return {
        sample: bottom('[data-testid="sample"]'),
        verdict: bottom('.answer .verdict'),
        small: small.map(({ id, textContent }) => id || textContent),
      }
    })
    await page.setViewportSize(VIEWS[0])
    expect(seen.sample).toBeLessThan(VIEWS[1].height)
    expect(seen.verdict).toBeLessThan(VIEWS[1].height)
    expect(seen.small).toEqual([])
  })

  test('names no engine to a visitor, and says which hops nobody scored', async () => {
    const { page } = tab
    const names = page.getByText(/ort-|wasm|webgpu|tfjs|\bstem\b|bootstrap|deadline/i)
    expect(await names.filter({ visible: true }).allTextContents()).toEqual([])
    const [hops, scored, not] = await Promise.all(
      ['[data-testid="hop"]', '[data-testid="hop"][data-best]', '.hop-mark.none'].map((one) =>
        page.locator(one).count(),
      ),
    )
    expect((scored ?? 0) + (not ?? 0)).toBe(hops)
  })

  test('takes a picture that is pasted, calls it by its name, and says what the model knows', async () => {
    const { page } = tab
    await page.getByRole('tab', { name: 'Upload' }).click()
    await page.getByText('The model knows 10 kinds of picture: T-shirt/top').first().waitFor()
    await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(40, 40)
      canvas.getContext('2d')?.fillRect(10, 5, 20, 30)
      const file = new File([await canvas.convertToBlob()], 'my coat.png', { type: 'image/png' })
      const clipboardData = new DataTransfer()
      clipboardData.items.add(file)
      document.dispatchEvent(new ClipboardEvent('paste', { clipboardData }))
    })
    await page.locator('#chosen-caption', { hasText: 'my coat.png' }).waitFor()
    await page.locator('[data-testid="answer"][data-label]').waitFor()
    await page.getByRole('tab', { name: 'Samples' }).click()
  })

  test('asks in four orders at once and tells how far they lie apart', async () => {
    const { page } = tab
    await page.getByTestId('orders').selectOption('4')
    const { hops } = await classifySample(tab, 5)
    expect(hops).toBe(LAYERS)
    const card = page.getByTestId('answer')
    expect(await card.getAttribute('data-orders')).toBe('4')
    expect(await card.textContent()).toMatch(/±.*%/)
    expect(await page.locator('.orders li').count()).toBe(4)
    await page.getByTestId('orders').selectOption('1')
  })

  test('saves a receipt that can be computed again elsewhere', async () => {
    const { page } = tab
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByTestId('receipt').click(),
    ])
    receipt = join(scratch, download.suggestedFilename())
    await download.saveAs(receipt)
    const { code, stdout, stderr } = await runCommand(
      'replay',
      receipt,
      '--engine',
      'ort-node',
      '--json',
    )
    expect(code, stderr).toBe(0)
    const report = JSON.parse(stdout) as { agrees: boolean; runs: { difference: number }[] }
    expect(report.agrees).toBe(true)
    expect(report.runs).toHaveLength(4)
  })

  test('shows no serious finding of axe with an answer and the table open', async () => {
    await tab.page.locator('#details summary').click()
    const [wide, narrow] = VIEWS
    await expectAccessible(tab.page, [
      ['dark', wide],
      ['light', narrow],
    ])
  })

  test('classifies what the camera sees, and turns it off', async () => {
    const { page } = tab
    await page.getByRole('tab', { name: 'Camera' }).click()
    await page.getByText('Start the camera').click()
    await page.getByText('Classify what it sees').click()
    await page.locator('[data-testid="answer"][data-label]').waitFor()
    expect(await page.locator('#chosen-caption').textContent()).toBe('Camera picture')
    const live = await page
      .locator('#camera-video')
      .evaluate((video: HTMLVideoElement) => video.srcObject !== null)
    expect(live).toBe(false)
  })

  test('rests by the rules that were chosen, and helps again', async () => {
    const { page } = tab
    await page.locator('#choices summary').click()
    const soon = new Date(Date.now() + 2 * 3_600_000)
    await page.getByLabel('Help only from').fill(`${String(soon.getHours()).padStart(2, '0')}:00`)
    await page.locator('#rule-to').fill(`${String((soon.getHours() + 1) % 24).padStart(2, '0')}:00`)
    await page.getByText('Resting until').waitFor()
    await tab.until('it rests', ({ state }) => state === 'paused')
    await page.getByLabel('Help only from').fill('')
    await tab.until('it helps again', ({ state }) => state === 'serving')
  })

  test('shares one choice with another tab of its browser, and says so', async () => {
    const second = await tab.context.newPage()
    await second.goto(`${swarm.url}/?layers=none&autojoin=1`)
    await tab.page.getByText('2 tabs of this browser are in the swarm').waitFor()
    await tab.until('it gives half', ({ timeShare }) => timeShare === 0.5)
    await second.close()
    await tab.until('it gives all again', ({ timeShare }) => timeShare === 1)
  })

  test('thanks whoever leaves, and remembers what was given and chosen', async () => {
    const { page } = tab
    await page.getByLabel('Compute').selectOption('half the time')
    await page.getByTestId('leave').click()
    await page.getByText('Thank you. This visit:').waitFor()
    await page.reload()
    await page.getByText('This device so far:').waitFor()
    expect(await page.getByTestId('time-share').inputValue()).toBe('0.5')
    expect(await page.locator('#record').textContent()).toMatch(/[1-9]\d* layers run/)
  })

  test('asked nobody but its own server, and let nothing through to its console', () => {
    expect(strangers).toEqual([])
    expect(tab.errors).toEqual([])
  })

  describe('its receipt', () => {
    async function altered(change: (text: string) => string): Promise<string> {
      const path = join(scratch, 'altered.json')
      await writeFile(path, change(await readFile(receipt, 'utf8')))
      return path
    }

    test.each([
      [
        'another answer',
        (text: string) => text.replace(/"logits": \[\s*-?\d/, '"logits": [ 99'),
        'does not agree',
      ],
      [
        'another image',
        (text: string) =>
          text.replace(
            /"hex": "[0-9a-f]/,
            (hex) => `${hex.slice(0, -1)}${hex.endsWith('0') ? 1 : 0}`,
          ),
        'has hash',
      ],
      [
        'another release',
        (text: string) => text.replace(/"release": "../, '"release": "00'),
        'name its folder with --model',
      ],
      ['half of itself', (text: string) => text.slice(0, text.length / 2), 'is not JSON'],
      [
        'a layer that does not exist',
        (text: string) => text.replace(/"layer": \d/, '"layer": 42'),
        '42',
      ],
    ])('with %s is refused in one line', async (_what, change, words) => {
      const { code, stderr } = await runCommand('replay', await altered(change))
      expect(stderr).toContain(words)
      expect(stderr.trimEnd().split('\n')).toHaveLength(1)
      expect(code).toBe(1)
    })
  })
})
