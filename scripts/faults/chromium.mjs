// Tabs of one Chromium (LAYERSWARM_CHROMIUM, or /usr/bin/chromium), each in a context of its own.
import { chromium } from 'playwright-core'
import { Failure } from './failure.mjs'
import { until } from './processes.mjs'

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

/**
 * A tab that joins the swarm of this server and hosts two layers. Pages of Playwright report each frame of their
 * WebSockets to it: dozens of peers that talk to eight such tabs keep the machine busy with that alone, and what the
 * tabs are asked is answered a minute later. Of this one only what it is asked for is heard.
 */
export async function openTab(browser, url) {
  const session = await browser.newBrowserCDPSession()
  const { browserContextId } = await session.send('Target.createBrowserContext')
  const address = `${url}/?autojoin=1&capacity=2&engine=ort-wasm`
  const created = await session.send('Target.createTarget', { url: address, browserContextId })
  const { targetId } = created
  const { sessionId } = await session.send('Target.attachToTarget', { targetId, flatten: false })

  const waiting = new Map()
  session.on('Target.receivedMessageFromTarget', (event) => {
    const { id, result, error } = JSON.parse(event.message)
    const { resolve, reject } = waiting.get(id) ?? {}
    waiting.delete(id)
    if (error === undefined) resolve?.(result)
    else reject?.(new Error(`the tab refuses: ${error.message}`))
  })
  let calls = 0
  function call(method, params = {}) {
    const id = ++calls
    const message = JSON.stringify({ id, method, params })
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      session.send('Target.sendMessageToTarget', { sessionId, message }).catch(reject)
    })
  }

  /** What a function that needs nothing from here gives in the tab. */
  async function evaluate(what) {
    const asked = { expression: `(${what})()`, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = await call('Runtime.evaluate', asked)
    if (exceptionDetails === undefined) return result.value
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
  }
  /** Between two documents there is nothing to ask. */
  const isLoaded = () => evaluate(() => 'layerswarm' in window).catch(() => false)
  const loaded = () => until(`${url} is loaded`, isLoaded)

  await loaded()
  return {
    evaluate,
    async reload() {
      await call('Page.reload')
      await loaded()
    },
    async close() {
      await session.send('Target.disposeBrowserContext', { browserContextId })
      await session.detach()
    },
  }
}

/** What the peer of a tab, or of a page of Playwright, says of itself. */
export const snapshotOf = (page) => page.evaluate(() => window.layerswarm.snapshot())
