import type { BenchOptions, BenchRow } from './bench.ts'
import { call, inTabs, numberIn, openTab, untilReady } from './bench-tabs.ts'
import { TOGETHER_DEADLINE_MS, TOGETHER_READY_MS_MAX } from './limits.ts'
import { measureSite, type TimedPicture, type TogetherModel } from './together-measuring.ts'

const ENGINE = 'ort-wasm'

/** Two tabs, by WebRTC. */
export function togetherInTabs(
  folder: string,
  model: TogetherModel,
  options: BenchOptions,
): Promise<BenchRow[]> {
  return inTabs('tabs', [folder], options, async ({ browser, server: { url } }) => {
    const tabs = [await openTab(browser, url), await openTab(browser, url)] as const
    const layers = Array.from({ length: model.spec.layers }, (_, layer) => layer)
    for (const tab of tabs) await call(tab, 'join', layers, ENGINE)
    await untilReady(tabs, { hosts: 2, withinMs: TOGETHER_READY_MS_MAX, what: 'together' }, options)
    const [asker] = tabs
    const picture = async (groups: readonly number[] | undefined): Promise<TimedPicture> => {
      const timed = await call(asker, 'picture', groups ?? [], TOGETHER_DEADLINE_MS)
      const number = (field: string) => numberIn(timed, field)
      return { totalMs: number('totalMs'), peers: number('peers'), missing: number('missing') }
    }
    const site = { alone: () => picture(undefined), together: () => picture(model.groups) }
    return [await measureSite(site, 'two tabs', model, options)]
  })
}
