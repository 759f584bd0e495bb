import { createSignaling } from '@layerswarm/signaling'
import type { Browser, Page } from 'playwright-core'
import { CliError } from '../cli-error.ts'
import { pause } from '../until-aborted.ts'
import type { BenchOptions, BenchRow } from './bench.ts'
import { buildBenchPage } from './bench-page.ts'
import { launchChromium } from './chromium.ts'
import { EVEN_LAYERS, type HopSite, ODD_LAYERS } from './hop-cases.ts'
import { measureHops } from './hop-measuring.ts'
import type { HopRelease } from './hop-processes.ts'
import { TABS_LOOK_INTERVAL_MS, TABS_READY_MS_MAX } from './limits.ts'

const ENGINE = 'ort-wasm'

/**
 * Hops between two tabs of a headless Chromium, by WebRTC. Without a Chromium or without the tools
 * that build the page it says so and has no rows.
 */
export async function hopsBetweenTabs(
  releases: readonly HopRelease[],
  options: BenchOptions,
): Promise<BenchRow[]> {
  const browser = await launchChromium()
  if (typeof browser === 'string') return noTabs(browser, options)
  try {
    const page = await buildBenchPage()
    if (typeof page === 'string') return noTabs(page, options)
    return await withServer(browser, page.folder, releases, options)
  } finally {
    await browser.close()
  }
}

function noTabs(why: string, { log }: BenchOptions): BenchRow[] {
  log(`hops between tabs are not measured: ${why}`)
  return []
}

async function withServer(
  browser: Browser,
  pageDir: string,
  releases: readonly HopRelease[],
  options: BenchOptions,
): Promise<BenchRow[]> {
  const places = { modelDirs: releases.map(({ folder }) => folder), pageDir }
  const signaling = createSignaling({ ...places, host: '127.0.0.1', port: 0 })
  const { url, port, peerId } = await signaling.start()
  const relay = `/ip4/127.0.0.1/tcp/${port}/ws/p2p/${peerId}`
  try {
    const [other, asker] = [await openTab(browser, url), await openTab(browser, url)]
    const site = siteOf(asker)
    const rows: BenchRow[] = []
    for (const { model } of releases) {
      await Promise.all([
        call(other, 'join', EVEN_LAYERS, ENGINE, model.name),
        call(asker, 'join', ODD_LAYERS, ENGINE, model.name),
      ])
      await untilReady([other, asker], options.signal)
      if (rows.length === 0)
        await call(asker, 'connectEcho', relay, await call(other, 'serveEcho', relay))
      rows.push(...(await measureHops(site, 'two tabs', model, options)))
    }
    return rows
  } finally {
    await signaling.stop()
  }
}

function siteOf(asker: Page): HopSite {
  return {
    async request(images, plan) {
      const timed = await call(asker, 'request', images, plan)
      return { totalMs: numberIn(timed, 'totalMs'), layersMs: numberIn(timed, 'layersMs') }
    },
    async echoMs(bytes, times) {
      return numberIn({ ms: await call(asker, 'echoMs', bytes, times) }, 'ms')
    },
    async visitParts(size) {
      const timed = await call(asker, 'visitParts', size)
      return {
        decidingMs: numberIn(timed, 'decidingMs'),
        hashingMs: numberIn(timed, 'hashingMs'),
        framingMs: numberIn(timed, 'framingMs'),
        signatureMs: numberIn(timed, 'signatureMs'),
      }
    },
  }
}

/** A tab in a browser context of its own: nothing is shared with the other but the swarm. */
async function openTab(browser: Browser, url: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await page.goto(url)
  return page
}

/** Calls a function that the page offers, by name. */
function call(page: Page, name: string, ...words: readonly unknown[]): Promise<unknown> {
  return page.evaluate(`bench.${name}(${words.map((word) => JSON.stringify(word)).join(', ')})`)
}

function numberIn(answer: unknown, field: string): number {
  const value = new Map<string, unknown>(Object.entries(answer ?? {})).get(field)
  if (typeof value === 'number') return value
  throw new Error(`the bench page did not answer with ${field}`)
}

async function untilReady(tabs: readonly Page[], signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + TABS_READY_MS_MAX
  for (;;) {
    const ready = await Promise.all(tabs.map((tab) => call(tab, 'isReady')))
    if (ready.every((is) => is === true)) return
    if (performance.now() > endMs || !(await pause(TABS_LOOK_INTERVAL_MS, signal))) {
      throw new CliError(
        { code: 'refused', what: 'hop' },
        `the two tabs did not find each other by WebRTC within ${TABS_READY_MS_MAX / 1000} s`,
      )
    }
  }
}
