import { createSignaling, type Ready } from '@layerswarm/signaling'
import type { Browser } from 'playwright-core'
import { CliError } from '../cli-error.ts'
import { pause } from '../until-aborted.ts'
import type { BenchOptions, BenchRow } from './bench.ts'
import { buildBenchPage } from './bench-page.ts'
import { launchChromium } from './chromium.ts'
import { TABS_LOOK_INTERVAL_MS } from './limits.ts'
import { openQuietTab, type QuietTab } from './quiet-tab.ts'

/** Where tabs of a bench meet. */
export interface TabsPlace {
  readonly browser: Browser
  readonly server: Ready
}

/**
 * Measures in a headless Chromium whose tabs get the page of the benches and these releases. Without a Chromium or
 * without the tools that build the page it says so and has no rows.
 * @param what is not measured then.
 */
export async function inTabs(
  what: string,
  modelDirs: readonly string[],
  options: Pick<BenchOptions, 'log'>,
  measure: (place: TabsPlace) => Promise<BenchRow[]>,
): Promise<BenchRow[]> {
  const without = (why: string): BenchRow[] => {
    options.log(`${what} are not measured: ${why}`)
    return []
  }
  const browser = await launchChromium()
  if (typeof browser === 'string') return without(browser)
  try {
    const page = await buildBenchPage()
    if (typeof page === 'string') return without(page)
    const places = { modelDirs, pageDir: page.folder, host: '127.0.0.1', port: 0 }
    const signaling = createSignaling(places)
    const server = await signaling.start()
    try {
      return await measure({ browser, server })
    } finally {
      await signaling.stop()
    }
  } finally {
    await browser.close()
  }
}

/** A tab with the page of the benches, in a browser context of its own. */
export function openTab(browser: Browser, url: string): Promise<QuietTab> {
  return openQuietTab(browser, url, "'bench' in globalThis")
}

/** Calls a function that the page offers, by name. */
export function call(tab: QuietTab, name: string, ...words: readonly unknown[]): Promise<unknown> {
  return tab.evaluate(`bench.${name}(${words.map((word) => JSON.stringify(word)).join(', ')})`)
}

/** A number of what the page has answered with. @throws Error where there is none. */
export function numberIn(answer: unknown, field: string): number {
  const value = new Map<string, unknown>(Object.entries(answer ?? {})).get(field)
  if (typeof value === 'number') return value
  throw new Error(`the bench page did not answer with ${field}`)
}

/** Until the tabs are connected by WebRTC and every layer has so many hosts. @throws CliError `refused`. */
export async function untilReady(
  tabs: readonly QuietTab[],
  { hosts, withinMs, what }: { readonly hosts: number; withinMs: number; what: string },
  { signal }: Pick<BenchOptions, 'signal'>,
): Promise<void> {
  const endMs = performance.now() + withinMs
  for (;;) {
    const ready = await Promise.all(tabs.map((tab) => call(tab, 'isReady', hosts)))
    if (ready.every((is) => is === true)) return
    if (performance.now() > endMs || !(await pause(TABS_LOOK_INTERVAL_MS, signal))) {
      throw new CliError(
        { code: 'refused', what },
        `the two tabs did not find each other by WebRTC within ${withinMs / 1000} s`,
      )
    }
  }
}
