import {
  type Engine,
  engineAcceptance,
  forward,
  inputShapeOf,
  type ModelSpec,
  type Part,
  randomPart,
  randomTensor,
  type Tensor,
} from '@layerswarm/model'
import { type BrowserEngineName, createBrowserEngine } from '@layerswarm/peer/browser'
import { expose } from 'comlink'

/** What became of one acceptance case: its name, and the line of its failure. */
export interface CaseResult {
  readonly name: string
  readonly failure: string | undefined
}

/** Engines in a worker, as a tab has them, without a peer around them. */
const engines = {
  /** Runs the acceptance suite that every engine passes. */
  async acceptance(name: BrowserEngineName): Promise<CaseResult[]> {
    const anchor = await openAnchor(name)
    const results: CaseResult[] = []
    for (const one of engineAcceptance((spec) => createBrowserEngine(name, spec))) {
      const failure = await one.run().then(
        () => undefined,
        (error) => String(error),
      )
      results.push({ name: one.name, failure })
    }
    await anchor.close()
    return results
  },
  /** Opens an engine with one layer of random weights. */
  async openLayer(name: BrowserEngineName, spec: ModelSpec): Promise<void> {
    const engine = await createBrowserEngine(name, spec)
    await engine.load(0, randomPart(spec, 0, 1))
    timed = { engine, spec }
  },
  /**
   * Milliseconds of each run of that layer on so many images, the compiling first one left out. Once
   * `budgetMs` are spent no further run begins, but one is always timed.
   */
  async timeLayer(images: number, rounds: number, budgetMs: number): Promise<number[]> {
    if (timed === undefined) throw new Error('no layer was opened')
    const { engine, spec } = timed
    const input = randomTensor([images, ...inputShapeOf(spec, 0)], 1)
    const endMs = performance.now() + budgetMs
    await engine.run(0, input, 0)
    const times: number[] = []
    do {
      const startMs = performance.now()
      await engine.run(0, input, 0)
      times.push(performance.now() - startMs)
    } while (times.length < rounds && performance.now() < endMs)
    return times
  },
  /** What one layer each makes of activations, (B, T, C) → (B, T, C). */
  async layers(
    name: BrowserEngineName,
    spec: ModelSpec,
    parts: ReadonlyMap<Part, Uint8Array>,
    runs: readonly { readonly layer: number; readonly input: Tensor }[],
  ): Promise<Float32Array[]> {
    const engine = await createBrowserEngine(name, spec)
    try {
      for (const [part, file] of parts) await engine.load(part, file)
      const outputs: Float32Array[] = []
      for (const { layer, input } of runs)
        outputs.push((await engine.run(layer, input, layer)).data)
      return outputs
    } finally {
      await engine.close()
    }
  },
  /** The logits of images for each order. (B, channels, H, W) → per order (B, classes) */
  async logits(
    name: BrowserEngineName,
    spec: ModelSpec,
    parts: ReadonlyMap<Part, Uint8Array>,
    images: Tensor,
    orders: readonly (readonly number[])[],
  ): Promise<Float32Array[]> {
    const engine = await createBrowserEngine(name, spec)
    try {
      for (const [part, file] of parts) await engine.load(part, file)
      const logits: Float32Array[] = []
      for (const order of orders) logits.push((await forward(engine, spec, images, order)).data)
      return logits
    } finally {
      await engine.close()
    }
  },
}

/** The engine whose layer is timed, from `openLayer` on. */
let timed: { readonly engine: Engine; readonly spec: ModelSpec } | undefined

/**
 * An engine with one part, open for as long as others come and go: with its last session ONNX
 * Runtime closes the device, and every shader would have to be compiled again for the next.
 */
async function openAnchor(name: BrowserEngineName): Promise<Engine> {
  const spec: ModelSpec = {
    ...{ variant: 'shuffle' as const, imageSize: 4, patchSize: 2, channels: 1, width: 4 },
    ...{ layers: 1, heads: 1, mlpWidth: 4, classes: 2, layerNormEps: 1e-6 },
  }
  const anchor = await createBrowserEngine(name, spec)
  await anchor.load('head', randomPart(spec, 'head', 1))
  return anchor
}

export type EnginesWorker = typeof engines

expose(engines)
