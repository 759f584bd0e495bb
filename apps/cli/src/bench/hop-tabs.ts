import type { BenchOptions, BenchRow } from './bench.ts'
import { call, inTabs, numberIn, openTab, untilReady } from './bench-tabs.ts'
import { EVEN_LAYERS, type HopSite, ODD_LAYERS } from './hop-cases.ts'
import { measureHops } from './hop-measuring.ts'
import type { HopRelease } from './hop-processes.ts'
import { TABS_READY_MS_MAX } from './limits.ts'
import type { QuietTab } from './quiet-tab.ts'

const ENGINE = 'ort-wasm'

/** Hops between two tabs, by WebRTC. */
export function hopsBetweenTabs(
  releases: readonly HopRelease[],
  options: BenchOptions,
): Promise<BenchRow[]> {
  const folders = releases.map(({ folder }) => folder)
  return inTabs('hops between tabs', folders, options, async ({ browser, server }) => {
    const { url, port, peerId } = server
    const relay = `/ip4/127.0.0.1/tcp/${port}/ws/p2p/${peerId}`
    const [other, asker] = [await openTab(browser, url), await openTab(browser, url)]
    const site = siteOf(asker)
    const rows: BenchRow[] = []
    for (const { model } of releases) {
      await Promise.all([
        call(other, 'join', EVEN_LAYERS, ENGINE, model.name),
        call(asker, 'join', ODD_LAYERS, ENGINE, model.name),
      ])
      await untilReady(
        [other, asker],
        { hosts: 1, withinMs: TABS_READY_MS_MAX, what: 'hop' },
        options,
      )
      if (rows.length === 0)
        await call(asker, 'connectEcho', relay, await call(other, 'serveEcho', relay))
      rows.push(...(await measureHops(site, 'two tabs', model, options)))
    }
    return rows
  })
}

function siteOf(asker: QuietTab): HopSite {
  return {
    async request(images, plan) {
      const timed = await call(asker, 'request', images, plan)
      return { totalMs: numberIn(timed, 'totalMs'), layersMs: numberIn(timed, 'layersMs') }
    },
    async echoMs(bytes, times) {
      return numberIn({ ms: await call(asker, 'echoMs', bytes, times) }, 'ms')
    },
    async visitParts(size) {
      const timed = await call(asker, 'visitParts', size)
      return {
        decidingMs: numberIn(timed, 'decidingMs'),
        hashingMs: numberIn(timed, 'hashingMs'),
        framingMs: numberIn(timed, 'framingMs'),
        signatureMs: numberIn(timed, 'signatureMs'),
      }
    },
  }
}
