// What the scripts of this folder start: a swarm of the built command line, and a browser.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

/** The root of this tree. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** mDNS candidates are off so that no multicast leaves the machine. */
const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
]

/** A headless Chromium: that of LAYERSWARM_CHROMIUM, or Debian's. */
export function launchBrowser(flags = []) {
  const executablePath = process.env.LAYERSWARM_CHROMIUM ?? '/usr/bin/chromium'
  return chromium.launch({ executablePath, headless: true, args: [...FLAGS, ...flags] })
}

/**
 * Starts `layerswarm WORDS… --port 0` of a built tree and waits until it serves.
 * @returns {Promise<{url: string, stop(): Promise<void>}>}
 */
export function startSwarm(tree, ...words) {
  const bin = `${tree}/apps/cli/bin/layerswarm.js`
  const child = spawn(process.execPath, [bin, ...words, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  let said = ''
  return new Promise((resolve, reject) => {
    const hear = (text) => {
      said += text
      const url = /^ready (http\S+)/m.exec(said)?.[1]?.replace(/\/$/, '')
      if (url === undefined) return
      const stop = async () => {
        child.kill('SIGTERM')
        await ended
      }
      resolve({ url, stop })
    }
    child.stdout.setEncoding('utf8').on('data', hear)
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text
    })
    void ended.then((code) => reject(new Error(`${bin} ended with ${code}: ${said}`)))
  })
}

/** Waits until the snapshot of a page's peer satisfies a predicate. */
export async function untilSnapshot(page, holds, withinMs = 120_000) {
  const endMs = performance.now() + withinMs
  for (;;) {
    const seen = await page.evaluate(() => window.layerswarm.snapshot())
    if (holds(seen)) return seen
    if (performance.now() > endMs)
      throw new Error(`waited ${withinMs} ms; last seen: ${JSON.stringify(seen)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
