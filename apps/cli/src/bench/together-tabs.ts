import { createSignaling } from '@layerswarm/signaling'
import type { BenchOptions, BenchRow } from './bench.ts'
import { buildBenchPage } from './bench-page.ts'
import { call, numberIn, openTab, untilReady } from './bench-tabs.ts'
import { launchChromium } from './chromium.ts'
import { TOGETHER_DEADLINE_MS, TOGETHER_READY_MS_MAX } from './limits.ts'
import { measureSite, type TimedPicture, type TogetherModel } from './together-measuring.ts'

const ENGINE = 'ort-wasm'

/**
 * Two tabs of a headless Chromium, by WebRTC. Without a Chromium or without the tools that build the page it says so
 * and has no rows.
 */
export async function togetherInTabs(
  folder: string,
  model: TogetherModel,
  options: BenchOptions,
): Promise<BenchRow[]> {
  const browser = await launchChromium()
  if (typeof browser === 'string') return noTabs(browser, options)
  try {
    const page = await buildBenchPage()
    if (typeof page === 'string') return noTabs(page, options)
    const places = { modelDirs: [folder], pageDir: page.folder }
    const signaling = createSignaling({ ...places, host: '127.0.0.1', port: 0 })
    const { url } = await signaling.start()
    try {
      const tabs = [await openTab(browser, url), await openTab(browser, url)] as const
      const layers = Array.from({ length: model.spec.layers }, (_, layer) => layer)
      for (const tab of tabs) await call(tab, 'join', layers, ENGINE)
      await untilReady(
        tabs,
        { hosts: 2, withinMs: TOGETHER_READY_MS_MAX, what: 'together' },
        options,
      )
      const [asker] = tabs
      const picture = async (groups: readonly number[] | undefined): Promise<TimedPicture> => {
        const timed = await call(asker, 'picture', groups ?? [], TOGETHER_DEADLINE_MS)
        const number = (field: string) => numberIn(timed, field)
        return { totalMs: number('totalMs'), peers: number('peers'), missing: number('missing') }
      }
      const site = { alone: () => picture(undefined), together: () => picture(model.groups) }
      return [await measureSite(site, 'two tabs', model, options)]
    } finally {
      await signaling.stop()
    }
  } finally {
    await browser.close()
  }
}

function noTabs(why: string, { log }: BenchOptions): BenchRow[] {
  log(`tabs are not measured: ${why}`)
  return []
}
