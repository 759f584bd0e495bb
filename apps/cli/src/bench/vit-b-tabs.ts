import { readFile } from 'node:fs/promises'
import type { Browser } from 'playwright-core'
import { CliError } from '../cli-error.ts'
import { pause } from '../until-aborted.ts'
import { type BenchOptions, type BenchRow, row } from './bench.ts'
import { call, inTabs, openTab, type TabsPlace } from './bench-tabs.ts'
import {
  VIT_B_DEADLINE_MS,
  VIT_B_HOSTS,
  VIT_B_LAYERS_PER_TAB,
  VIT_B_LOOK_INTERVAL_MS,
  VIT_B_READY_MS_MAX,
  VIT_B_REST_MS,
  VIT_B_TAB_MB_MAX,
} from './limits.ts'
import type { QuietTab } from './quiet-tab.ts'
import { answerRows, askOneByOne, type VitBAnswer } from './vit-b-answers.ts'
import { VIT_B_SPEC } from './vit-b-spec.ts'

const MB = 1e6
const ENGINE = 'ort-wasm'

/** The same through four tabs, asked from a fifth. */
export function vitBInTabs(folder: string, options: BenchOptions): Promise<BenchRow[]> {
  return inTabs('tabs', [folder], options, (place) => measure(place, options))
}

async function measure(
  { browser, server: { url } }: TabsPlace,
  options: BenchOptions,
): Promise<BenchRow[]> {
  const { signal, log } = options
  log('four tabs load four layers each')
  for (let tab = 0; tab < VIT_B_HOSTS; tab++) {
    const first = (tab * VIT_B_LAYERS_PER_TAB) % VIT_B_SPEC.layers
    const layers = Array.from({ length: VIT_B_LAYERS_PER_TAB }, (_, at) => first + at)
    await join(browser, url, layers)
  }
  const asker = await join(browser, url, [])
  await untilReady(asker, signal)
  const where = 'four tabs (WASM)'
  const answers = await askOneByOne(() => ask(asker), where, options)
  await pause(VIT_B_REST_MS, signal)
  return [...answerRows(where, answers), ...(await memoryRows(browser, options))]
}

/** A tab, in a process of its own. */
async function join(browser: Browser, url: string, layers: readonly number[]): Promise<QuietTab> {
  const page = await openTab(browser, url)
  await call(page, 'join', layers, ENGINE)
  return page
}

/** Waits until the asker is connected to hosts of all layers. @throws CliError `refused`. */
async function untilReady(asker: QuietTab, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + VIT_B_READY_MS_MAX
  const isReady = `(({ coverage, peers }) => coverage.length > 0 && coverage.every((hosts) => hosts > 0) &&
    peers.filter(({ connection }) => connection === 'direct').length >= ${VIT_B_HOSTS})(bench.snapshot())`
  while ((await asker.evaluate(isReady)) !== true) {
    if (performance.now() > endMs || !(await pause(VIT_B_LOOK_INTERVAL_MS, signal))) {
      throw new CliError(
        { code: 'refused', what: 'vit-b' },
        `the tabs do not all host their layers after ${VIT_B_READY_MS_MAX / 1_000} s`,
      )
    }
  }
}

async function ask(asker: QuietTab): Promise<VitBAnswer> {
  const answer: unknown = await asker.evaluate(`bench.classifyOne(${VIT_B_DEADLINE_MS})`)
  const { totalMs, layers } = Object(answer) as { totalMs?: unknown; layers?: unknown }
  if (typeof totalMs !== 'number' || !Array.isArray(layers)) {
    throw new Error('the bench page gave no answer')
  }
  return { totalMs, layers: layers.map(Number) }
}

/** The renderer processes that take most, one for each tab that hosts layers. */
async function memoryRows(browser: Browser, { log }: BenchOptions): Promise<BenchRow[]> {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const renderers = processInfo.filter(({ type }) => type === 'renderer')
  const resident: number[] = []
  for (const { id } of renderers) {
    const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '')
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
    if (kilobytes !== undefined) resident.push((Number(kilobytes) * 1_024) / MB)
  }
  if (resident.length === 0) log('the memory of tabs is not measured: this system has no /proc')
  return resident
    .toSorted((a, b) => b - a)
    .slice(0, VIT_B_HOSTS)
    .map((mb, at) =>
      row(
        `tab ${at + 1}, ${VIT_B_LAYERS_PER_TAB} layers: resident memory / bound`,
        mb,
        VIT_B_TAB_MB_MAX,
        'MB',
      ),
    )
}
