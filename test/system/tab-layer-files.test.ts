import { readFile } from 'node:fs/promises'
import { parseManifest } from '@layerswarm/model'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningSwarm, startService } from '../support/run-command.ts'
import { classifySample, launchBrowser, openTab, type Tab } from './browser.ts'

const RELEASE = 'models/fashion-vit-rounds-2'
const LAYERS = 8
const ASKED = 12
/** What the browser says of a connection whose owner has asked it to save data. */
const SAVES_DATA = "Object.defineProperty(navigator, 'connection', { value: { saveData: true } })"

let browser: Browser
let swarm: RunningSwarm
beforeAll(async () => {
  browser = await launchBrowser()
  swarm = await startService('signaling', '--port', '0', '--model', RELEASE)
})
afterAll(async () => {
  await browser?.close()
  await swarm?.end('SIGTERM')
})

/** Opens a tab that hosts these layers, and notes which files it asks the server for. */
async function hosting(layers: string, before: string): Promise<{ tab: Tab; asked: Set<string> }> {
  const asked = new Set<string>()
  const query = `autojoin=1&layers=${layers}&engine=ort-wasm`
  const tab = await openTab(browser, swarm.url, query, async (context) => {
    await context.addInitScript(before)
    context.on('request', (request) => asked.add(request.url().split('/').at(-1) ?? ''))
  })
  return { tab, asked }
}

test('a tab that is to save data loads the smallest files, beside one that is not, and both are answered rightly', async () => {
  const manifest = parseManifest(
    await readFile(new URL(`../../${RELEASE}/manifest.json`, import.meta.url)),
  )
  const small = await hosting('0,1,2,3', SAVES_DATA)
  const usual = await hosting('4,5,6,7', '')
  const seen = await small.tab.until(
    'both host their layers and have met',
    ({ coverage, peers }) => {
      const met = peers.filter(({ connection }) => connection === 'direct')
      return coverage.length > 0 && coverage.every((hosts) => hosts > 0) && met.length > 0
    },
  )
  expect(seen.layerFiles).toEqual({ dtype: 'int4', reason: 'this connection is to save data' })
  const { layerFiles } = await usual.tab.snapshot()
  expect(layerFiles?.dtype).not.toBe('int4')
  const hashes = (dtype: string) =>
    manifest.layerFiles?.find((kind) => kind.dtype === dtype)?.files.map(({ sha256 }) => sha256) ??
    []
  expect(hashes('int4').filter((hash) => small.asked.has(hash))).toEqual(hashes('int4').slice(0, 4))
  expect(hashes('int4').filter((hash) => usual.asked.has(hash))).toEqual([])

  for (const { tab } of [small, usual]) {
    let right = 0
    for (let sample = 0; sample < ASKED; sample++) {
      const { label, truth, hops, missing } = await classifySample(tab, sample)
      expect(hops + missing).toBe(LAYERS)
      if (label === truth) right++
    }
    // Nine of ten are right; so few of twelve are not by chance.
    expect(right).toBeGreaterThanOrEqual(7)
    expect(tab.errors).toEqual([])
  }
})
