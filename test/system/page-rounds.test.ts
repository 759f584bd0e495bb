import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningSwarm, startService } from '../support/run-command.ts'
import { expectAccessible, VIEWS } from './axe.ts'
import { classifySample, launchBrowser, openTab, type Tab } from './browser.ts'
import { keepShot } from './page-shots.ts'

const LAYERS = 8
const SAMPLES = 24

let browser: Browser
let swarm: RunningSwarm
let tab: Tab
let other: Tab
let page: Page
beforeAll(async () => {
  browser = await launchBrowser()
  swarm = await startService('signaling', '--port', '0', '--model', 'models/fashion-vit-rounds')
  // Neither tab can do without the other.
  other = await openTab(browser, swarm.url, 'autojoin=1&layers=0,1,2,3&engine=ort-wasm')
  tab = await openTab(browser, swarm.url, 'autojoin=1&layers=4,5,6,7&engine=ort-wasm')
  page = tab.page
  await tab.until('both host their layers and have met', ({ coverage, peers }) => {
    const met = peers.filter(({ connection }) => connection === 'direct')
    return coverage.length > 0 && coverage.every((hosts) => hosts > 0) && met.length > 0
  })
})
afterAll(async () => {
  await browser?.close()
  await swarm?.end('SIGTERM')
})

/** Asks until an answer has every layer: on a busy machine those of the other tab may be lost, and then it names them. */
async function askUntilWhole(): Promise<void> {
  for (let sample = 0; ; sample++) {
    const { hops, missing } = await classifySample(tab, sample % SAMPLES)
    expect(hops + missing).toBe(LAYERS)
    if (missing === 0) return
  }
}

test('a picture goes out to several peers at once, and its answer says what that was worth', async () => {
  await page.getByTestId('rounds').selectOption('4+4')
  await askUntilWhole()
  const rounds = (await page.getByTestId('answer').getAttribute('data-rounds')) ?? ''
  // What is late where the machine is busy runs in a later round, or after them.
  expect(rounds).toMatch(/^\d(\+\d)+$/)
  expect(rounds.split('+').reduce((sum, size) => sum + Number(size), 0)).toBe(LAYERS)
  const said = await page.getByTestId('together').textContent()
  expect(said).toMatch(
    /^2 peers at once, [\d.]+\u202fm?s; this tab alone: [\d.]+\u202fm?s, at [\d.]+\u202fms a layer as measured here$/,
  )
  await keepShot('rounds', () =>
    page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width: 1280, height: 1180 } }),
  )
})

test('never is an answer of one layer after another, which sharpens', async () => {
  await page.getByTestId('rounds').selectOption('off')
  await page.getByTestId('sample').nth(5).click()
  await page.waitForFunction(
    () => document.querySelector<HTMLElement>('[data-testid=answer]')?.dataset.rounds === '',
  )
  expect(await page.getByTestId('together').count()).toBe(0)
})

test('a foreign picture is called one, whatever it is taken for, and a sample is not', async () => {
  const verdict = page.getByTestId('answer').getByText('Unlike anything I was trained on')
  await page.getByTestId('sample').nth(6).click()
  await page.locator('[data-testid="answer"][data-novel="false"]').waitFor()
  expect(await verdict.count()).toBe(0)
  await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(28, 28)
    const context = canvas.getContext('2d')
    for (let square = 0; square < 16; square++) {
      const [column, row] = [square % 4, Math.floor(square / 4)]
      if (context) context.fillStyle = (column + row) % 2 === 0 ? '#222' : '#ddd'
      context?.fillRect(7 * column, 7 * row, 7, 7)
    }
    const file = new File([await canvas.convertToBlob()], 'board.png', { type: 'image/png' })
    const clipboardData = new DataTransfer()
    clipboardData.items.add(file)
    document.dispatchEvent(new ClipboardEvent('paste', { clipboardData }))
  })
  // A layer that is lost on a busy machine leaves no full tour to judge by.
  await page.locator('[data-testid="answer"][data-novel="true"]').waitFor()
  expect(await verdict.count()).toBe(1)
  expect(await page.locator('#panel-upload').isVisible()).toBe(true)
  await expectAccessible(page, [
    ['light', VIEWS[0]],
    ['dark', VIEWS[1]],
  ])
  await page.getByRole('tab', { name: 'Samples' }).click()
  expect(await page.locator('#crop').isHidden()).toBe(true)
})

test('each choice says what it costs, and nothing of this reaches the console', async () => {
  expect(await page.locator('#rounds option').allTextContents()).toEqual([
    'never: one layer after another',
    'where quicker, for 0.5 points at most',
    '2+2+2+2: costs 0.3 points of 100',
    '4+4: costs 1.2 points of 100',
    '8: costs 4.2 points of 100',
  ])
  expect([...tab.errors, ...other.errors]).toEqual([])
})
