// Tabs of one Chromium (LAYERSWARM_CHROMIUM, or /usr/bin/chromium), each in a context of its own.
import { chromium } from 'playwright-core'
import { openQuietTab } from '../../apps/cli/dist/bench/quiet-tab.js'
import { Failure } from './failure.mjs'

/** As the tests of this project start it: mDNS candidates would take multicast. */
const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
]

/** Starts it with more flags; the caller closes it. @throws Failure where there is none. */
export function launchChromium({ flags = [], handleSIGTERM = false } = {}) {
  const executablePath = process.env.LAYERSWARM_CHROMIUM ?? '/usr/bin/chromium'
  return chromium
    .launch({ executablePath, args: [...FLAGS, ...flags], handleSIGTERM })
    .catch(() => {
      throw new Failure(`${executablePath} does not start; name a Chromium in LAYERSWARM_CHROMIUM`)
    })
}

/** A tab that joins the swarm of this server and hosts two layers. */
export const openTab = (browser, url) =>
  openQuietTab(browser, `${url}/?autojoin=1&capacity=2&engine=ort-wasm`, "'layerswarm' in window")

/** What the peer of a tab, or of a page of Playwright, says of itself. */
export const snapshotOf = (tab) => tab.evaluate('window.layerswarm.snapshot()')
