import type { PeerSnapshot } from '@layerswarm/peer'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningSwarm, startService } from '../support/run-command.ts'
import {
  classifySample,
  FINISHED,
  launchBrowser,
  meshed,
  openTab,
  READ_PAGE,
  readAnswer,
  type ShownAnswer,
  type Tab,
  untilSnapshot,
} from './browser.ts'
import {
  type FirefoxTab,
  isFirefoxInstalled,
  launchRawFirefox,
  type RawFirefox,
} from './raw-firefox.ts'

const LAYERS = 8
/** Opened one after the other. */
const CHANNELS = 100
const WAIT_MS = 60_000

describe.skipIf(!isFirefoxInstalled())('a tab of Firefox, in a swarm with one of Chromium', () => {
  let firefox: RawFirefox
  let chromium: Browser
  let swarm: RunningSwarm
  let tab: FirefoxTab
  let other: Tab
  const snapshot = () => tab.evaluate<PeerSnapshot>('layerswarm.snapshot()')
  const until: Tab['until'] = (what, holds) => untilSnapshot(snapshot, what, holds, WAIT_MS)

  beforeAll(async () => {
    ;[firefox, chromium, swarm] = await Promise.all([
      launchRawFirefox(),
      launchBrowser(),
      startService('signaling', '--port', '0'),
    ])
    tab = await firefox.open(`${swarm.url}/?layers=0,1,2,3`)
  })
  afterAll(async () => {
    await Promise.all([firefox?.close(), chromium?.close()])
    await swarm?.end('SIGTERM')
  })

  /** Waits until an expression is true in the page. */
  async function untilTrue(expression: string): Promise<void> {
    await expect
      .poll(() => tab.evaluate(expression), { timeout: WAIT_MS, message: expression })
      .toBe(true)
  }

  /** Presses the nth sample and waits for its answer. */
  async function ask(index: number): Promise<ShownAnswer> {
    await tab.click('[data-testid="sample"]', index)
    await untilTrue(`document.querySelector(${JSON.stringify(FINISHED)}) !== null`).catch(
      async (cause: unknown) => {
        throw new Error(await tab.evaluate<string>(READ_PAGE), { cause })
      },
    )
    return tab.evaluate(`(${readAnswer})(${JSON.stringify(FINISHED)})`)
  }

  test('joins at the press of a button and serves its layers', async () => {
    await tab.evaluate(`(() => {
      window.states = []
      const state = document.querySelector('[data-testid="state"]')
      new MutationObserver(() => states.push(state.textContent)).observe(state, { childList: true })
    })()`)
    await tab.click('[data-testid="join"]')
    const { state, backend, storage, hostedLayers } = await until(
      'it serves',
      (seen) => seen.hostedLayers.length === 4,
    )
    expect([state, backend, storage.place]).toEqual(['serving', 'ort-wasm', 'opfs'])
    expect(hostedLayers).toEqual([0, 1, 2, 3])
    expect(await tab.evaluate(`document.querySelector('[data-testid="state"]').textContent`)).toBe(
      'serving',
    )
    expect(await tab.evaluate('states')).toEqual(['joining', 'serving'])
  })

  test('asks, and both browsers run the layers that they host', async () => {
    other = await openTab(chromium, swarm.url, 'layers=4,5,6,7&autojoin=1')
    await meshed([{ until }, other], LAYERS)
    const [{ peerId: here }, { peerId: there }] = [await snapshot(), await other.snapshot()]
    const { label, hops, missing, route } = await ask(3)
    const seen = missing === 0 ? '' : JSON.stringify([await snapshot(), await other.snapshot()])
    expect([label, hops, missing], seen).toEqual(['Dress', LAYERS, 0])
    for (const { layer, peer } of route) expect(peer).toBe(layer < 4 ? here : there)
  })

  test('serves what Chromium asks', async () => {
    const { peerId, served } = await snapshot()
    const { hops, missing, route } = await classifySample(other, 3)
    expect([hops, missing]).toEqual([LAYERS, 0])
    expect(route.filter(({ peer }) => peer === peerId)).toHaveLength(4)
    // Audits of earlier requests may add to it.
    await until('it has served all four', (seen) => seen.served >= served + 4)
  })

  test('uses the numbers of closed channels again, and everything still gets through', async () => {
    // Where both sides close at once, Firefox by itself sends nothing any more after a few (decision 39).
    const heard = await tab.evaluate<number>(`(async () => {
      const [one, other] = [new RTCPeerConnection(), new RTCPeerConnection()]
      one.onicecandidate = ({ candidate }) => candidate && other.addIceCandidate(candidate)
      other.onicecandidate = ({ candidate }) => candidate && one.addIceCandidate(candidate)
      other.ondatachannel = ({ channel }) => {
        channel.onmessage = () => { channel.send('heard'); channel.close() }
      }
      const ask = () => new Promise((resolve) => {
        const channel = one.createDataChannel('')
        channel.onopen = () => channel.send('hello')
        channel.onmessage = () => channel.close()
        channel.onclose = () => resolve(true)
        setTimeout(resolve, ${WAIT_MS / 2}, false)
      })
      const first = ask()
      await one.setLocalDescription(await one.createOffer())
      await other.setRemoteDescription(one.localDescription)
      await other.setLocalDescription(await other.createAnswer())
      await one.setRemoteDescription(other.localDescription)
      let heard = 0
      if (await first) while (heard < ${CHANNELS} && (await ask())) heard++
      one.close()
      other.close()
      return heard
    })()`)
    expect(heard).toBe(CHANNELS)
  })

  test('draws rings as wide as they are meant to be', async () => {
    const widths = await tab.evaluate<number[]>(
      `[...document.querySelectorAll('#swarm .arc')].map((arc) => parseFloat(getComputedStyle(arc).strokeWidth))`,
    )
    expect(widths.length).toBeGreaterThanOrEqual(LAYERS)
    for (const width of widths) expect(width).toBeGreaterThan(2)
  })

  test('runs the churn lab, in which a swarm and a chain answer', async () => {
    await tab.click('[data-testid="lab-start"]')
    await untilTrue(
      `document.querySelector('[data-testid="lab-send"]')?.checkVisibility() === true`,
    )
    await tab.click('[data-testid="lab-send"]')
    for (const lane of ['lab-any', 'lab-fixed'])
      await untilTrue(
        `document.querySelector('[data-testid="${lane}"]').dataset.outcome === 'answered'`,
      ).catch(async (cause: unknown) => {
        throw new Error(await tab.evaluate<string>(READ_PAGE), { cause })
      })
    await tab.click('[data-testid="lab-lie"]')
    await tab.click('[data-testid="lab-through"]')
    await untilTrue(`document.querySelectorAll('#lab-any .stop.lied').length > 0`)
  })

  test('comes back after a reload as the same peer, with its layers on disk', async () => {
    const { peerId } = await snapshot()
    await tab.reload()
    await untilTrue(`'layerswarm' in window`)
    await tab.click('[data-testid="join"]')
    const after = await until('it serves again', ({ hostedLayers }) => hostedLayers.length === 4)
    expect(after.peerId).toBe(peerId)
    expect(after.bytes.layersFromHttp).toBe(0)
  })

  test('lets nothing through to a console', () => {
    expect(tab.errors).toEqual([])
    expect(other.errors).toEqual([])
  })
})
