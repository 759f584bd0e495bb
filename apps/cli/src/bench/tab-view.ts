import type { Page } from 'playwright-core'
import { type BenchOptions, type BenchRow, row } from './bench.ts'
import { TAB_FRAME_MS, TAB_VIEW_MS } from './limits.ts'

interface Crowd {
  readonly peers: number
  readonly layers: number
  readonly requestsPerSecond: number
}

const CROWDS: readonly Crowd[] = [
  { peers: 5, layers: 12, requestsPerSecond: 2 },
  { peers: 60, layers: 12, requestsPerSecond: 20 },
]

/** How smoothly the page draws swarms that are asked, beside a picture in which nothing moves. */
export async function measureView(page: Page, options: BenchOptions): Promise<BenchRow[]> {
  options.log('the live view')
  const still = await drawn(page, { peers: 60, layers: 12, requestsPerSecond: 0 })
  const rows: BenchRow[] = []
  for (const crowd of CROWDS) {
    options.signal.throwIfAborted()
    const { frameMs, scriptMs } = await drawn(page, crowd)
    const what = `live view, ${crowd.peers} peers, ${crowd.requestsPerSecond} requests a second`
    rows.push(
      row(
        `${what}: between two frames (95th percentile), against nothing moving`,
        slow(frameMs),
        slow(still.frameMs),
        'ms',
      ),
      row(
        `${what}: script per frame (95th percentile), against a frame at 60 Hz`,
        slow(scriptMs),
        TAB_FRAME_MS,
        'ms',
      ),
    )
  }
  return rows
}

async function drawn(
  page: Page,
  crowd: Crowd,
): Promise<{ frameMs: readonly number[]; scriptMs: readonly number[] }> {
  const timed: unknown = await page.evaluate(
    `bench.drawCrowd(${JSON.stringify(crowd)}, ${TAB_VIEW_MS})`,
  )
  const { frameMs, scriptMs } = Object(timed) as { frameMs?: unknown; scriptMs?: unknown }
  if (!Array.isArray(frameMs) || !Array.isArray(scriptMs))
    throw new Error('the bench page did not say how long its frames took')
  return { frameMs: frameMs.map(Number), scriptMs: scriptMs.map(Number) }
}

/** The 95th percentile. */
function slow(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN
}
