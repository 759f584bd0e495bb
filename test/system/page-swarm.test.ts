import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningSwarm, startSwarm } from '../support/run-command.ts'
import { expectAccessible, VIEWS } from './axe.ts'
import { classifySample, launchBrowser, openTab, type Tab } from './browser.ts'
import { keepShot, storesShots } from './page-shots.ts'

const LAYERS = 8
/** More are a better picture, and take longer. */
const PEERS = storesShots ? 5 : 2

/** A picture on its way, some hops after it was chosen, and the part of the page that shows it. */
async function onItsWay(page: Page): Promise<Buffer> {
  await page.getByTestId('sample').nth(8).click()
  await page.waitForTimeout(1_100)
  return page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width: 1280, height: 1180 } })
}

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

describe('a tab in the swarm', () => {
  let tab: Tab
  const strangers: string[] = []
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

  test('shows no serious finding of axe with an answer and the table open', async () => {
    await tab.page.locator('#details summary').click()
    const [wide, narrow] = VIEWS
    await expectAccessible(tab.page, [
      ['dark', wide],
      ['light', narrow],
    ])
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
})
