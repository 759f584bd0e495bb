import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningSwarm, startService } from '../support/run-command.ts'
import { launchBrowser, openTab, type Tab } from './browser.ts'

/** Slot 0 of the database as it lies in the browser, without the page's own code. */
function storedKey(page: Page): Promise<number[]> {
  return page.evaluate(
    () =>
      new Promise<number[]>((resolve, reject) => {
        const opening = indexedDB.open('layerswarm-identity', 1)
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          const reading = opening.result.transaction('keys').objectStore('keys').get(0)
          reading.onerror = () => reject(reading.error)
          reading.onsuccess = () => {
            opening.result.close()
            resolve([...(reading.result as Uint8Array)])
          }
        }
      }),
  )
}

function damageKey(page: Page): Promise<void> {
  return page.evaluate(
    () =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open('layerswarm-identity', 1)
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          const writing = opening.result.transaction('keys', 'readwrite')
          writing.objectStore('keys').put(new Uint8Array(7), 0)
          writing.onabort = () => reject(writing.error)
          writing.oncomplete = () => {
            opening.result.close()
            resolve()
          }
        }
      }),
  )
}

const isIn = ({ state }: { state: string }): boolean => state === 'serving'

describe('the name of a tab', () => {
  let browser: Browser
  let swarm: RunningSwarm
  let tab: Tab
  beforeAll(async () => {
    browser = await launchBrowser()
    swarm = await startService('signaling', '--port', '0')
    tab = await openTab(browser, swarm.url, 'layers=0&autojoin=1')
  })
  afterAll(async () => {
    await browser?.close()
    await swarm?.end('SIGTERM')
  })

  test('is the same after a reload, from the key that lies in IndexedDB as protobuf', async () => {
    const { peerId } = await tab.until('it serves', isIn)
    // Key type Ed25519 (1), then 64 bytes (github.com/libp2p/specs, peer-ids): what every version wrote.
    const bytes = await storedKey(tab.page)
    expect([bytes.length, ...bytes.slice(0, 4)]).toEqual([68, 8, 1, 18, 64])
    await tab.page.reload()
    expect((await tab.until('it serves again', isIn)).peerId).toBe(peerId)
    expect(await storedKey(tab.page)).toEqual(bytes)
  })

  test('is a new one when the key is damaged, and that one stays', async () => {
    const { peerId } = await tab.snapshot()
    await damageKey(tab.page)
    await tab.page.reload()
    const renamed = (await tab.until('it serves again', isIn)).peerId
    expect(renamed).not.toBe(peerId)
    await tab.page.reload()
    expect((await tab.until('it serves again', isIn)).peerId).toBe(renamed)
  })
})
