import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningSwarm, runCommand, startSwarm } from '../support/run-command.ts'
import { expectAccessible, VIEWS } from './axe.ts'
import { classifySample, launchBrowser, openTab, type Tab } from './browser.ts'

const LAYERS = 8
const PEERS = 2

/** A camera that shows a moving test picture, and a person who allows it. */
const FAKE_CAMERA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']

/** A dark thing on grey paper that is a little darker towards one side, at the right of a wide photo. */
function onPaper(): Promise<Buffer> {
  const [width, height] = [400, 160]
  const data = Buffer.alloc(3 * width * height)
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)]
    const isThing = x > 230 && x < 290 && y > 50 && y < 110
    data.fill(isThing ? 60 : 215 - Math.floor(x / 20), 3 * i, 3 * i + 3)
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer()
}

/** What the model sees in the upper left corner, 0 to 255. */
function seenCorner(page: Page): Promise<number> {
  return page.locator('#chosen').evaluate((canvas: HTMLCanvasElement) => {
    const pixel = canvas.getContext('2d')?.getImageData(0, 0, 1, 1).data
    return pixel?.[0] ?? Number.NaN
  })
}

let scratch = ''

let browser: Browser
let swarm: RunningSwarm
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

describe('a tab that is given pictures', () => {
  let tab: Tab
  let receipt = ''
  beforeAll(async () => {
    tab = await openTab(browser, swarm.url, 'capacity=4&autojoin=1')
    await tab.page.getByTestId('sample').first().waitFor()
    await tab.until('all layers are hosted', ({ coverage }) => coverage.every((hosts) => hosts > 0))
  })
  afterAll(() => tab?.context.close())

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

  test('asks about the square of a photo that is chosen, with its plain ground made black', async () => {
    const { page } = tab
    await page.getByRole('tab', { name: 'Upload' }).click()
    await page.locator('#file').setInputFiles({
      name: 'boots.png',
      mimeType: 'image/png',
      buffer: await onPaper(),
    })
    await page.locator('#chosen-caption', { hasText: 'boots.png' }).waitFor()
    await page.getByLabel('Size').fill('120')
    await page.getByLabel('Across').fill('200')
    await page.getByLabel('Clear the plain ground').uncheck()
    await page.getByTestId('crop-classify').click()
    await page.locator('#chosen-caption', { hasText: 'boots.png, a square of it' }).waitFor()
    expect(await seenCorner(page)).toBeGreaterThan(0)
    await page.getByLabel('Clear the plain ground').check()
    await page.getByTestId('crop-classify').click()
    expect(await seenCorner(page)).toBe(0)
    await page.locator('[data-testid="answer"][data-label]').waitFor()
    await expectAccessible(page, [
      ['light', VIEWS[0]],
      ['dark', VIEWS[1]],
    ])
    // Other pictures are not cropped.
    await page.getByRole('tab', { name: 'Samples' }).click()
    await classifySample(tab, 2)
    expect(await page.locator('#crop').isHidden()).toBe(true)
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

  test('lets nothing through to its console', () => {
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
