import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSignaling } from '@layerswarm/signaling'
import type { Browser, Page } from 'playwright-core'
import { releaseFolders } from '../project-places.ts'
import { readModelFolder } from '../release/release-folder.ts'
import { type Bench, type BenchOptions, type BenchRow, median, row } from './bench.ts'
import { buildBenchPage } from './bench-page.ts'
import { launchChromium } from './chromium.ts'
import { TAB_CAPACITY_LAYERS } from './limits.ts'
import { measureTab, type TabModel, VIT_B } from './tab-layers.ts'
import { measureView } from './tab-view.ts'

/** Gives a headless Chromium the adapter of a graphics device, or one in software where there is none. */
const WEBGPU_FLAGS = ['--enable-unsafe-webgpu']

/**
 * What a tab computes: one layer by engine and batch, for the release that comes with the project and
 * for the sizes of ViT-B/16 with random weights, beside ONNX Runtime's native provider on the same
 * processor; what batching gains; how long it takes from a click until the tab serves; and how smoothly
 * the page draws a swarm.
 */
export const tab: Bench = {
  name: 'tab',
  compares: 'one layer in a tab, and the same layer on the native CPU provider in Node',
  rounds: 5,
  async run(options) {
    const browser = await launchChromium(WEBGPU_FLAGS)
    if (typeof browser === 'string') return nothing(browser, options)
    try {
      const page = await buildBenchPage()
      if (typeof page === 'string') return nothing(page, options)
      return await measure(browser, page.folder, options)
    } finally {
      await browser.close()
    }
  },
}

function nothing(why: string, { log }: BenchOptions): BenchRow[] {
  log(`the tab is not measured: ${why}`)
  return []
}

async function measure(
  browser: Browser,
  pageDir: string,
  options: BenchOptions,
): Promise<BenchRow[]> {
  const [folder = ''] = await releaseFolders([])
  const { spec } = await readModelFolder(folder)
  const shipped: TabModel = { name: 'the shipped model', spec }
  const scratch = await mkdtemp(join(tmpdir(), 'layerswarm-bench-'))
  const signaling = createSignaling({
    ...{ modelDirs: [folder], pageDir, dataDir: scratch },
    ...{ host: '127.0.0.1', port: 0 },
  })
  try {
    const { url } = await signaling.start()
    const starts = await measureStart(browser, url, options)
    const page = await openPage(browser, url)
    const view = await measureView(page, options)
    return [...(await measureTab(page, [shipped, VIT_B], options)), ...starts, ...view]
  } finally {
    await signaling.stop()
    await rm(scratch, { recursive: true, force: true })
  }
}

async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await page.goto(url)
  return page
}

/** Each round is a visitor of its own, who comes a second time. */
async function measureStart(
  browser: Browser,
  url: string,
  { rounds, signal, log }: BenchOptions,
): Promise<BenchRow[]> {
  log('from click to serving')
  const first: number[] = []
  const second: number[] = []
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted()
    const page = await openPage(browser, url)
    first.push(await joinMs(page))
    await page.reload()
    second.push(await joinMs(page))
    await page.context().close()
  }
  const what = `from click to serving ${TAB_CAPACITY_LAYERS} layers, a first visit against a second`
  return [row(what, median(first), median(second), 'ms')]
}

async function joinMs(page: Page): Promise<number> {
  const ms: unknown = await page.evaluate(`bench.joinMs(${TAB_CAPACITY_LAYERS})`)
  if (typeof ms === 'number') return ms
  throw new Error('the bench page did not say how long joining took')
}
