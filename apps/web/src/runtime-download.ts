import { PEER_LOOK_INTERVAL_MS_MIN } from './limits.ts'
import type { Download } from './logic/joining.ts'
import type { PageOptions } from './logic/page-options.ts'

/** The build's list of runtimes: the file's name before its hash, and its size unpacked. */
interface RuntimeFile {
  readonly name: string
  readonly path: string
  readonly bytes: number
}

/**
 * Fetches the WebAssembly that the compute worker is about to ask for, so that the page can show how
 * far it is; the worker then finds it in the browser's cache. Never fails: without it the worker
 * fetches by itself.
 */
export async function fetchRuntime(
  engine: PageOptions['engine'],
  report: (download: Download) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    const file = await chooseRuntime(engine, signal)
    if (file === undefined) return
    const response = await fetch(file.path, { signal })
    const reader = response.body?.getReader()
    if (!response.ok || reader === undefined) return
    const bytes = wireBytes(response, file.bytes)
    let unpackedBytes = 0
    let toldMs = Number.NEGATIVE_INFINITY
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      unpackedBytes += value.length
      // It comes in hundreds of pieces, and each look at them takes from what is started meanwhile.
      if (performance.now() - toldMs < PEER_LOOK_INTERVAL_MS_MIN) continue
      toldMs = performance.now()
      const share = Math.min(1, unpackedBytes / file.bytes)
      report({ receivedBytes: Math.round(share * bytes), bytes })
    }
  } catch {
    // Offline, or left in between: joining says what is wrong.
  }
}

/**
 * What crosses the network of a file: a browser hands over unpacked bytes alone, but says how long the packed file
 * is, unless a proxy packs it on the way.
 */
function wireBytes({ headers }: Response, unpackedBytes: number): number {
  const said = Number(headers.get('content-length') ?? 0)
  return said > 0 && said <= unpackedBytes ? said : unpackedBytes
}

async function chooseRuntime(
  engine: PageOptions['engine'],
  signal: AbortSignal,
): Promise<RuntimeFile | undefined> {
  if (engine === 'reference') return undefined
  const [listed, isGpu] = await Promise.all([
    fetch('runtimes.json', { signal }).then((response) => response.json()),
    wantsWebGpu(engine),
  ])
  const files = parseRuntimes(listed)
  const name = isGpu ? webGpuRuntime() : 'ort-wasm-simd-threaded'
  return files.find((file) => file.name === name)
}

/** The smaller build needs JavaScript Promise Integration. */
function webGpuRuntime(): string {
  return 'Suspending' in WebAssembly
    ? 'ort-wasm-simd-threaded.jspi'
    : 'ort-wasm-simd-threaded.asyncify'
}

/** Software adapters compute slower than WebAssembly, and are not used. */
async function wantsWebGpu(engine: PageOptions['engine']): Promise<boolean> {
  if (engine !== 'auto') return engine === 'ort-webgpu'
  if (!('gpu' in navigator)) return false
  const adapter = await navigator.gpu.requestAdapter().catch(() => null)
  return adapter !== null && !adapter.info.isFallbackAdapter
}

function parseRuntimes(value: unknown): RuntimeFile[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return []
    const { name, path, bytes }: Record<string, unknown> = { ...entry }
    const fits = typeof name === 'string' && typeof path === 'string' && typeof bytes === 'number'
    return fits && path.startsWith('assets/') ? [{ name, path, bytes }] : []
  })
}
