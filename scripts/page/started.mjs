// What the scripts of this folder start: a swarm of the built command line, and a browser.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { launchChromium, snapshotOf } from '../faults/chromium.mjs'
import { until } from '../faults/processes.mjs'

/** The root of this tree. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A headless Chromium, which ends with this process. */
export const launchBrowser = (flags = []) => launchChromium({ flags, handleSIGTERM: true })

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
  let seen
  const isSo = async () => {
    seen = await snapshotOf(page)
    return holds(seen)
  }
  await until('the page is so far', isSo, withinMs, 20)
  return seen
}
