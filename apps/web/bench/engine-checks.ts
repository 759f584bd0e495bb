import { type ModelSpec, type Part, relativeL2, splitCheckpoint, tensor } from '@layerswarm/model'
import type { BrowserEngineName } from '@layerswarm/peer/browser'
import { type Remote, wrap } from 'comlink'
import type { CaseResult, EnginesWorker } from './engines.worker.ts'

/** Opens a worker of engines for one task and ends it afterwards. */
async function inWorker<T>(task: (engines: Remote<EnginesWorker>) => Promise<T>): Promise<T> {
  const worker = new Worker(new URL('./engines.worker.ts', import.meta.url), { type: 'module' })
  const broken = new Promise<never>((_, reject) => {
    worker.addEventListener('error', (event) => reject(new Error(event.message)))
  })
  try {
    return await Promise.race([task(wrap<EnginesWorker>(worker)), broken])
  } finally {
    worker.terminate()
  }
}

export function acceptance(name: BrowserEngineName): Promise<CaseResult[]> {
  return inWorker((engines) => engines.acceptance(name))
}

/** One of the models of test/vectors. */
export interface VectorFiles {
  readonly spec: ModelSpec
  /** base64 */
  readonly checkpoint: string
  readonly images: { readonly shape: readonly number[]; readonly data: readonly number[] }
  readonly cases: readonly {
    readonly order: readonly number[]
    readonly logits: readonly (readonly number[])[]
  }[]
}

/** @returns the relative L2 distance to PyTorch's logits, for each order. */
export async function vectorDistances(
  name: BrowserEngineName,
  { spec, checkpoint, images, cases }: VectorFiles,
): Promise<number[]> {
  const parts = splitCheckpoint(fromBase64(checkpoint), spec)
  const input = tensor([...images.shape], Float32Array.from(images.data))
  const orders = cases.map(({ order }) => order)
  const ours = await inWorker((engines) => engines.logits(name, spec, parts, input, orders))
  return cases.map(({ logits }, at) => relativeL2(ours[at] ?? [], logits.flat()))
}

/** Layers to be run on activations, for scripts/measure-tolerance.mjs; bytes in base64. */
export interface LayerRuns {
  readonly name: BrowserEngineName
  readonly spec: ModelSpec
  readonly files: readonly (readonly [Part, string])[]
  readonly runs: readonly {
    readonly layer: number
    readonly shape: readonly number[]
    readonly data: string
  }[]
}

/** @returns the values of each output as base64 of float32. */
export async function layerOutputs({ name, spec, files, runs }: LayerRuns): Promise<string[]> {
  const parts = new Map(files.map(([part, file]) => [part, fromBase64(file)]))
  const given = runs.map(({ layer, shape, data }) => ({
    layer,
    input: tensor([...shape], new Float32Array(fromBase64(data).buffer)),
  }))
  const outputs = await inWorker((engines) => engines.layers(name, spec, parts, given))
  return outputs.map((data) =>
    toBase64(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  )
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
}

function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

/** One layer on a batch of images: how long each run took, undefined when none was done in time. */
export interface LayerTimes {
  readonly images: number
  readonly times: readonly number[] | undefined
}

/**
 * Times one layer of random weights on batches of growing size. Fewer runs are timed when `budgetMs`
 * are spent; a batch of which none is done within `patienceMs`, compiling included, is given up, and
 * so are the larger ones.
 */
export function layerTimes(
  name: BrowserEngineName,
  spec: ModelSpec,
  batches: readonly number[],
  rounds: number,
  budgetMs: number,
  patienceMs: number,
): Promise<LayerTimes[]> {
  return inWorker(async (engines) => {
    await engines.openLayer(name, spec)
    const measured: LayerTimes[] = []
    for (const images of batches) {
      const timing = engines.timeLayer(images, rounds, budgetMs)
      const times: number[] | undefined = await within(patienceMs, timing)
      measured.push({ images, times })
      if (times === undefined) break
    }
    return measured
  })
}

async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}

/** The WebGPU adapter in words, and whether it is software; undefined when there is none. */
export async function gpuAdapter(): Promise<{ name: string; software: boolean } | undefined> {
  const adapter = 'gpu' in navigator ? await navigator.gpu.requestAdapter() : null
  if (adapter === null) return undefined
  const { vendor, architecture, isFallbackAdapter } = adapter.info
  return { name: `${vendor} ${architecture}`.trim(), software: isFallbackAdapter }
}
