import type { PeerSnapshot } from '@layerswarm/peer'
import {
  type Browser,
  type BrowserContext,
  type CDPSession,
  chromium,
  type Page,
} from 'playwright-core'

/** Real headless Chromium; mDNS candidates are off so that no multicast leaves the machine. */
export const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
]

/** WebGPU by the processor: slow and right, and without these flags headless Chromium has no adapter. */
export const SOFTWARE_WEBGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']

export function launchBrowser(flags: readonly string[] = []): Promise<Browser> {
  const executablePath = process.env.LAYERSWARM_CHROMIUM ?? '/usr/bin/chromium'
  return chromium.launch({ executablePath, headless: true, args: [...FLAGS, ...flags] })
}

/** One tab in a browser context of its own: nothing is shared with the others but the swarm. */
export interface Tab {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors that the page let through to its console or its window. */
  readonly errors: readonly string[]
  snapshot(): Promise<PeerSnapshot>
  /** Waits until the snapshot satisfies the predicate. */
  until(
    what: string,
    holds: (snapshot: PeerSnapshot) => boolean,
    withinMs?: number,
  ): Promise<PeerSnapshot>
  devtools(): Promise<CDPSession>
}

/** Looks at a snapshot until it satisfies the predicate. @throws Error that tells what was seen last. */
export async function untilSnapshot(
  snapshot: () => Promise<PeerSnapshot>,
  what: string,
  holds: (snapshot: PeerSnapshot) => boolean,
  withinMs = 60_000,
): Promise<PeerSnapshot> {
  const endMs = Date.now() + withinMs
  for (;;) {
    const seen = await snapshot()
    if (holds(seen)) return seen
    if (Date.now() > endMs)
      throw new Error(`waited ${withinMs} ms until ${what}; last seen: ${JSON.stringify(seen)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** @param prepare does something to the tab's context before the page is opened. */
export async function openTab(
  browser: Browser,
  url: string,
  query: string,
  prepare: (context: BrowserContext) => Promise<void> = async () => {},
): Promise<Tab> {
  const context = await browser.newContext()
  await prepare(context)
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  await page.goto(`${url}/?${query}`)
  const snapshot = (): Promise<PeerSnapshot> =>
    page.evaluate(() =>
      (window as unknown as { layerswarm: { snapshot(): PeerSnapshot } }).layerswarm.snapshot(),
    )
  return {
    page,
    context,
    errors,
    snapshot,
    until: (what, holds, withinMs) => untilSnapshot(snapshot, what, holds, withinMs),
    devtools: () => context.newCDPSession(page),
  }
}

/** Waits until every tab sees these numbers of hosts and all the other tabs over WebRTC. */
export async function meshed(tabs: readonly Pick<Tab, 'until'>[], layers: number): Promise<void> {
  for (const tab of tabs) {
    await tab.until(
      `all tabs are connected and all ${layers} layers hosted`,
      ({ peers, coverage }) =>
        peers.filter(
          ({ transport, connection }) => transport === 'webrtc' && connection === 'direct',
        ).length >=
          tabs.length - 1 &&
        coverage.length === layers &&
        coverage.every((hosts) => hosts > 0),
    )
  }
}

/** What the finished answer card says. */
export interface ShownAnswer {
  readonly label: string
  readonly confidence: number
  readonly hops: number
  readonly missing: number
  readonly route: readonly { layer: number; peer: string }[]
}

/** Clicks the nth sample and waits for its answer. */
export async function classifySample(
  { page }: Tab,
  index: number,
): Promise<ShownAnswer & { truth: string }> {
  const sample = page.getByTestId('sample').nth(index)
  const truth = (await sample.getAttribute('data-label')) ?? ''
  await sample.click()
  return { ...(await shownAnswer(page)), truth }
}

export async function shownAnswer(page: Page): Promise<ShownAnswer> {
  await page
    .locator(FINISHED)
    .waitFor({ timeout: 60_000 })
    .catch(async (cause: unknown) => {
      throw new Error(await page.evaluate(READ_PAGE), { cause })
    })
  return page.evaluate(readAnswer, FINISHED)
}

/** What the page says where no answer has come, and whom it has met. */
export const READ_PAGE = `'no answer: ' + document.querySelector('main').innerText + ' ' + JSON.stringify(layerswarm.snapshot())`

/** Finds the answer card once it shows an answer. */
export const FINISHED = '[data-testid="answer"][data-label]'

/** What the finished answer card says. It runs in the page and knows nothing of this file. */
export function readAnswer(finished: string): ShownAnswer {
  const { dataset } = document.querySelector(finished) as HTMLElement
  const hops = [...document.querySelectorAll<HTMLElement>('[data-testid="hop"]')]
  return {
    label: dataset.label ?? '',
    confidence: Number(dataset.confidence),
    hops: Number(dataset.hops),
    missing: Number(dataset.missing),
    route: hops.map((hop) => ({
      layer: Number(hop.dataset.layer),
      peer: hop.dataset.peer ?? '',
    })),
  }
}
