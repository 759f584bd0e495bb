import { setTimeout as pause } from 'node:timers/promises'
import type { Browser, CDPSession } from 'playwright-core'
import { QUIET_TAB_LOOK_INTERVAL_MS, QUIET_TAB_READY_MS_MAX } from './limits.ts'

/** A tab of which nothing is heard but what it is asked for. */
export interface QuietTab {
  /** The value of an expression, awaited. @throws Error with what the tab threw. */
  evaluate(expression: string): Promise<unknown>
  reload(): Promise<void>
  close(): Promise<void>
}

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
}

/**
 * Opens a tab in a browser context of its own: nothing is shared with another but the swarm. A page of Playwright
 * reports every frame of its WebSockets and keeps what it has loaded for whoever asks for it: with dozens of peers
 * that talk to eight of them the machine is busy with that alone, and answers come a minute late.
 * @param sign an expression that is true once the page is there to be asked.
 * @throws Error when that takes too long.
 */
export async function openQuietTab(browser: Browser, url: string, sign: string): Promise<QuietTab> {
  const session = await browser.newBrowserCDPSession()
  const { browserContextId } = await session.send('Target.createBrowserContext')
  const { targetId } = await session.send('Target.createTarget', { url, browserContextId })
  const { sessionId } = await session.send('Target.attachToTarget', { targetId, flatten: false })
  const call = calls(session, sessionId)

  async function evaluate(expression: string): Promise<unknown> {
    const asked = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = Object(await call('Runtime.evaluate', asked))
    if (exceptionDetails === undefined) return result.value
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
  }
  /** Between two documents there is nothing to ask. */
  const isThere = () =>
    evaluate(`location.href !== 'about:blank' && globalThis.isOld !== true && ${sign}`).catch(
      () => false,
    )
  async function loaded(): Promise<void> {
    const endMs = performance.now() + QUIET_TAB_READY_MS_MAX
    while ((await isThere()) !== true) {
      if (performance.now() > endMs)
        throw new Error(`${url} is not loaded after ${QUIET_TAB_READY_MS_MAX / 1_000} s`)
      await pause(QUIET_TAB_LOOK_INTERVAL_MS)
    }
  }

  await loaded()
  return {
    evaluate,
    async reload() {
      // The old document may be there for a while yet.
      await evaluate('globalThis.isOld = true')
      await call('Page.reload')
      await loaded()
    },
    async close() {
      await session.send('Target.disposeBrowserContext', { browserContextId })
      await session.detach()
    },
  }
}

/** Sends commands to a tab through the session of its browser: Playwright has none for tabs that it did not open. */
function calls(session: CDPSession, sessionId: string) {
  const waiting = new Map<number, Waiting>()
  session.on('Target.receivedMessageFromTarget', (event) => {
    if (event.sessionId !== sessionId) return
    const { id, result, error } = Object(JSON.parse(event.message))
    const { resolve, reject } = waiting.get(id) ?? {}
    waiting.delete(id)
    if (error === undefined) resolve?.(result)
    else reject?.(new Error(`the tab refuses: ${error.message}`))
  })
  session.on('Target.detachedFromTarget', (event) => {
    if (event.sessionId !== sessionId) return
    for (const { reject } of waiting.values()) reject(new Error('the tab is gone'))
    waiting.clear()
  })
  let count = 0
  return (method: string, params: object = {}): Promise<unknown> => {
    const id = ++count
    const message = JSON.stringify({ id, method, params })
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      session.send('Target.sendMessageToTarget', { sessionId, message }).catch(reject)
    })
  }
}
