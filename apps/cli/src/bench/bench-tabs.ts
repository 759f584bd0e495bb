import type { Browser, Page } from 'playwright-core'
import { CliError } from '../cli-error.ts'
import { pause } from '../until-aborted.ts'
import type { BenchOptions } from './bench.ts'
import { TABS_LOOK_INTERVAL_MS } from './limits.ts'

/** A tab in a browser context of its own: nothing is shared with the other but the swarm. */
export async function openTab(browser: Browser, url: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await page.goto(url)
  return page
}

/** Calls a function that the page offers, by name. */
export function call(page: Page, name: string, ...words: readonly unknown[]): Promise<unknown> {
  return page.evaluate(`bench.${name}(${words.map((word) => JSON.stringify(word)).join(', ')})`)
}

/** A number of what the page has answered with. @throws Error where there is none. */
export function numberIn(answer: unknown, field: string): number {
  const value = new Map<string, unknown>(Object.entries(answer ?? {})).get(field)
  if (typeof value === 'number') return value
  throw new Error(`the bench page did not answer with ${field}`)
}

/** Until the tabs are connected by WebRTC and every layer has so many hosts. @throws CliError `refused`. */
export async function untilReady(
  tabs: readonly Page[],
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
