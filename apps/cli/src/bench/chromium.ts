import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Browser } from 'playwright-core'

/** Headless and talking to this machine only: no services of its own, no multicast for mDNS names. */
const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
]

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** Starts a headless Chromium, or says in one line why there is none to start. */
export async function launchChromium(flags: readonly string[] = []): Promise<Browser | string> {
  const executablePath = findChromium()
  if (executablePath === undefined) {
    return 'no Chromium found: install the package "chromium" or set LAYERSWARM_CHROMIUM to one'
  }
  const playwright = await import('playwright-core').catch(() => undefined)
  if (playwright === undefined) {
    return 'playwright-core, a development dependency, is not installed: run `npm install`'
  }
  return await playwright.chromium.launch({
    executablePath,
    headless: true,
    args: [...FLAGS, ...flags],
  })
}

function findChromium(): string | undefined {
  const named = process.env.LAYERSWARM_CHROMIUM ?? ''
  if (named !== '') return isExecutable(named) ? named : undefined
  const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)]
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
