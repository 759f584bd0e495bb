import { readFile } from 'node:fs/promises'
import { POLICY_NAMES } from '@layerswarm/lab'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningSwarm, runCommand, startService } from '../support/run-command.ts'
import { seriousFindings } from './axe.ts'
import { launchBrowser, openTab, type Tab } from './browser.ts'
import { keepShot } from './page-shots.ts'

let browser: Browser
let swarm: RunningSwarm
let tab: Tab
let page: Page
beforeAll(async () => {
  browser = await launchBrowser()
  swarm = await startService('signaling', '--port', '0')
  tab = await openTab(browser, swarm.url, 'lab')
  page = tab.page
  await page.getByTestId('sample').first().waitFor()
  await page.getByText('10 classes, 8 layers').waitFor()
  await page.getByTestId('lab-start').click()
  await page.getByTestId('lab-send').waitFor()
})
afterAll(async () => {
  await browser?.close()
  await swarm?.end('SIGTERM')
})

/** Nobody hosts these layers, and all others have a host. */
async function untilUnhosted(layers: readonly number[]): Promise<void> {
  await page.waitForFunction((wanted) => {
    const columns = [...document.querySelectorAll('#lab-coverage .column')]
    const none = columns.flatMap((column, layer) =>
      column.classList.contains('none') ? [layer] : [],
    )
    return columns.length > 0 && none.join() === wanted
  }, layers.join())
}

/** What the ways made of one picture. */
async function outcomes(): Promise<Record<'any' | 'rounds' | 'fixed' | 'note' | 'said', string>> {
  await page.waitForFunction(
    () =>
      ['#lab-any', '#lab-rounds', '#lab-fixed'].every((lane) => {
        const outcome = document.querySelector<HTMLElement>(lane)?.dataset.outcome
        return outcome === 'answered' || outcome === 'broken'
      }),
    null,
    { timeout: 60_000 },
  )
  const read = async (lane: string) =>
    (await page.getByTestId(lane).getAttribute('data-outcome')) ?? ''
  return {
    any: await read('lab-any'),
    rounds: await read('lab-rounds'),
    fixed: await read('lab-fixed'),
    note: (await page.getByTestId('lab-any').locator('.lane-note').textContent()) ?? '',
    said: (await page.getByTestId('lab-fixed').locator('.lane-note').textContent()) ?? '',
  }
}

test('an undisturbed swarm answers each way, in rounds as well', async () => {
  await page.getByTestId('lab-send').click()
  const answered = { any: 'answered', rounds: 'answered', fixed: 'answered' }
  expect(await outcomes()).toMatchObject(answered)
  const layers = await page.locator('#lab-rounds .stop').count()
  expect(layers).toBe(8)
  // Each says how long it took, of the swarm's own time.
  for (const lane of ['#lab-any', '#lab-rounds'])
    expect(await page.locator(`${lane} .lane-verdict`).textContent()).toMatch(/, \d+\.\d\u202fs/)
})

test('peers that are killed on the way break the chain, and the swarm answers with every layer', async () => {
  await page.getByTestId('lab-send').click()
  // The chain's plan is made; the peers of its later layers go while the first is computed.
  await page.locator('#lab-fixed .stop').first().waitFor()
  for (const peer of ['peer-2', 'peer-3', 'peer-4']) {
    await page.getByTestId('lab-peer').selectOption(peer)
    await page.getByTestId('lab-kill').click()
  }
  const { any, fixed, said } = await outcomes()
  expect([any, fixed]).toEqual(['answered', 'broken'])
  expect(said).toContain('is gone')
  await keepShot('churn-lab', () => page.locator('#churn').screenshot())
})

test('a layer that nobody hosts is missing from the answer and fatal to the chain', async () => {
  for (const peer of ['peer-2', 'peer-3', 'peer-4']) {
    await page.getByTestId('lab-peer').selectOption(peer)
    await page.getByTestId('lab-heal').click()
  }
  await untilUnhosted([])
  await page.getByTestId('lab-layer').selectOption('3')
  await page.getByTestId('lab-drop').click()
  await untilUnhosted([3])
  await page.getByTestId('lab-send').click()
  const { any, fixed, note, said } = await outcomes()
  expect([any, fixed]).toEqual(['answered', 'broken'])
  expect(note).toContain('layer 3')
  expect(said).toContain('nobody hosts layer 3')
})

test('a lie is marked where it touched a picture, and a liar that had no part is said to have had none', async () => {
  await page.getByTestId('lab-drop').click()
  await untilUnhosted([])
  await page.getByTestId('lab-peer').selectOption('peer-5')
  await page.getByTestId('lab-lie').click()
  await page.getByTestId('lab-through').click()
  // The lie on its way, or what became of it: audits may be quicker than the answer.
  await page
    .locator('#lab-any .stop.lied, #lab-any .lane-lies:not(:empty)')
    .first()
    .waitFor({ timeout: 60_000 })
  expect((await outcomes()).any).toBe('answered')
  const said = await page.locator('#lab-any .lane-lies').textContent()
  const liars = await page
    .locator('#lab-any .stop.lied')
    .evaluateAll((stops) => stops.map((stop) => stop.getAttribute('title')))
  for (const words of liars) expect(words).toMatch(/on peer-5, which lied$/)
  // Where audits were quicker than the answer, what it had touched was run again without it.
  expect(said).toMatch(
    liars.length > 0
      ? /^peer-5 lied at layers? \d.* Audits /
      : /^peer-5 lies, but had no part in this answer.* Audits have found out peer-5/,
  )
  // One layer was left to it alone, so the chain went through it as well.
  expect(await page.locator('#lab-fixed .stop.lied').count()).toBeGreaterThan(0)
  expect(await page.locator('#lab-fixed .lane-lies').textContent()).toMatch(/^peer-5 lied at/)
  expect(await seriousFindings(page)).toEqual([])
})

test('all policies are compared, and the same seed gives the same run on the command line', async () => {
  await page.goto(`${swarm.url}/?simulate=harsh,8,5,3`)
  const result = page.getByTestId('compare-result')
  await result.waitFor({ timeout: 90_000 })
  expect(await page.locator('#compare-rows tr').count()).toBe(POLICY_NAMES.length)
  expect(await page.getByTestId('compare-link').getAttribute('href')).toBe(
    `${swarm.url}/?simulate=harsh,8,5,3`,
  )
  const command = await page.getByTestId('compare-command').textContent()
  const words = command?.split(' ').slice(2) ?? []
  expect(command?.startsWith('npx layerswarm simulate harsh ')).toBe(true)
  const { code, stdout, stderr } = await runCommand(...words, '--no-accuracy', '--json')
  expect(code, stderr).toBe(0)
  const there = JSON.parse(stdout) as { traceHash: string }
  expect(there.traceHash).toBe(await result.getAttribute('data-trace'))
  expect(await seriousFindings(page)).toEqual([])
})

test('a comparison is saved as JSON, as CSV, and as a page with its film', async () => {
  const saved = async (testid: string) => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByTestId(testid).click(),
    ])
    return {
      name: download.suggestedFilename(),
      text: await readFile(await download.path(), 'utf8'),
    }
  }
  const json = await saved('compare-json')
  expect(json.name).toBe('layerswarm-harsh-3.json')
  expect(Object.keys(JSON.parse(json.text).policies)).toEqual(POLICY_NAMES)
  const csv = await saved('compare-csv')
  expect(csv.text.trimEnd().split('\r\n')).toHaveLength(POLICY_NAMES.length + 1)
  const film = await saved('compare-film')
  expect(film.name).toBe('layerswarm-harsh-3.html')
  expect(film.text).toContain('id="film"')
  // Nothing of it comes from elsewhere.
  expect(film.text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
})

test('a comparison runs as the form asks, can be stopped, and an unknown scenario is named', async () => {
  await page.getByTestId('compare-scenario').selectOption('tabs')
  await page.locator('#compare-peers').fill('200')
  await page.locator('#compare-requests').fill('1000')
  await page.getByTestId('compare-run').click()
  await page.locator('#compare-stop').click()
  await page.getByText('Stopped.').waitFor()
  await page.locator('#compare-peers').fill('4')
  await page.locator('#compare-requests').fill('2')
  await page.getByTestId('compare-run').click()
  await page.getByTestId('compare-result').waitFor({ timeout: 90_000 })
  expect(await page.getByTestId('compare-command').textContent()).toContain(
    'simulate tabs --peers 4',
  )
  await page.goto(`${swarm.url}/?simulate=nowhere,8,5,3`)
  await page.getByText('there is no scenario "nowhere"').waitFor()
})

test('nothing of it reaches the console', () => {
  expect(tab.errors).toEqual([])
})
