import { inputShapeOf, type ModelSpec, randomPart, randomTensor } from '@layerswarm/model'
import { createNodeEngine } from '@layerswarm/peer/node'
import type { Page } from 'playwright-core'
import { type BenchOptions, type BenchRow, median, row } from './bench.ts'
import { TAB_BATCH_BUDGET_MS, TAB_FIRST_RUN_MS_MAX } from './limits.ts'
import { VIT_B_SPEC } from './vit-b-spec.ts'

/** A model whose layers are timed. */
export interface TabModel {
  readonly name: string
  readonly spec: ModelSpec
}

/** The sizes of ViT-B/16 at 224 pixels; one layer is timed, so that few need to exist. */
export const VIT_B: TabModel = {
  name: 'ViT-B/16 sizes',
  spec: { ...VIT_B_SPEC, variant: 'shuffle', layers: 2, classes: 10 },
}

const BATCHES: readonly number[] = [1, 8, 32]
const TAB_ENGINES = ['ort-wasm', 'ort-webgpu', 'tfjs-webgpu'] as const

interface LayerTime {
  readonly images: number
  /** Milliseconds of one run, undefined when none was done in time; larger batches were not tried then. */
  readonly ms: number | undefined
}

/** The rows of every engine that the page's browser offers, for every model. */
export async function measureTab(
  page: Page,
  models: readonly TabModel[],
  options: BenchOptions,
): Promise<BenchRow[]> {
  const adapter = await adapterOf(page)
  if (adapter === undefined)
    options.log('this Chromium has no WebGPU adapter: only WASM is measured')
  const rows: BenchRow[] = []
  for (const { name, spec } of models) {
    options.log(`${name}: the reference`)
    const native = await nativeTimes(spec, options)
    for (const engine of TAB_ENGINES) {
      options.signal.throwIfAborted()
      if (engine !== 'ort-wasm' && adapter === undefined) continue
      const where = engine === 'ort-wasm' ? engine : `${engine} on ${adapter}`
      options.log(`${name}: ${where}`)
      const times = await tabTimes(page, engine, spec, options)
      rows.push(...layerRows(`${where}, ${name}`, times, native), ...batchRow(where, name, times))
    }
  }
  return rows
}

function layerRows(
  what: string,
  times: readonly LayerTime[],
  native: ReadonlyMap<number, number>,
): BenchRow[] {
  return times.map(({ images, ms }) => {
    const reference = native.get(images) ?? Number.NaN
    return ms === undefined
      ? row(
          `${what}, batch ${images}: not done after this, and larger batches left out`,
          TAB_FIRST_RUN_MS_MAX,
          reference,
          'ms per layer',
        )
      : row(`${what}, batch ${images}`, ms, reference, 'ms per layer')
  })
}

/** Images per second through one layer, eight at once against one after the other. */
function batchRow(where: string, name: string, times: readonly LayerTime[]): BenchRow[] {
  const of = (images: number) => times.find((one) => one.images === images)?.ms
  const [single, batched] = [of(1), of(8)]
  if (single === undefined || batched === undefined) return []
  const what = `${where}, ${name}: throughput of 8 requests batched, against one by one`
  return [row(what, 8_000 / batched, 1_000 / single, 'images per second')]
}

/** What ONNX Runtime's native provider takes on one thread, by batch. */
async function nativeTimes(
  spec: ModelSpec,
  { rounds }: BenchOptions,
): Promise<ReadonlyMap<number, number>> {
  const engine = await createNodeEngine('ort-node', spec)
  try {
    await engine.load(0, randomPart(spec, 0, 1))
    const medians = new Map<number, number>()
    for (const images of BATCHES) {
      const input = randomTensor([images, ...inputShapeOf(spec, 0)], 1)
      await engine.run(0, input, 0)
      const times: number[] = []
      for (let round = 0; round < rounds; round++) {
        const startMs = performance.now()
        await engine.run(0, input, 0)
        times.push(performance.now() - startMs)
      }
      medians.set(images, median(times))
    }
    return medians
  } finally {
    await engine.close()
  }
}

async function tabTimes(
  page: Page,
  engine: (typeof TAB_ENGINES)[number],
  spec: ModelSpec,
  { rounds }: BenchOptions,
): Promise<LayerTime[]> {
  const words = [engine, spec, BATCHES, rounds, TAB_BATCH_BUDGET_MS, TAB_FIRST_RUN_MS_MAX].map(
    (word) => JSON.stringify(word),
  )
  const measured: unknown = await page.evaluate(`bench.layerTimes(${words.join(', ')})`)
  if (!Array.isArray(measured)) throw new Error('the bench page gave no times')
  return measured.map((one: unknown) => {
    const { images, times } = Object(one) as { images?: unknown; times?: unknown }
    const known = Array.isArray(times) ? times.map(Number) : undefined
    return { images: Number(images), ms: known === undefined ? undefined : median(known) }
  })
}

/** The adapter in words, undefined when there is none. */
async function adapterOf(page: Page): Promise<string | undefined> {
  const found: unknown = await page.evaluate('bench.gpuAdapter()')
  const { name, software } = Object(found) as { name?: unknown; software?: unknown }
  if (typeof name !== 'string') return undefined
  return software === true ? `${name} (software)` : name
}
