import { PeerError } from '../errors.ts'
import { loadDawn } from './native-runtime.node.ts'

let opened: Promise<void> | undefined

/**
 * Gives this process the `navigator.gpu` of a browser, by Dawn; to be called before tfjs is imported,
 * which looks for it while it is loaded.
 * @throws PeerError `no-engine` where there is no adapter, or the package webgpu is not installed.
 */
export function openDawn(): Promise<void> {
  opened ??= open()
  return opened
}

async function open(): Promise<void> {
  const { create, globals } = await loadDawn()
  if (!mayLoadVulkan()) throw noAdapter()
  const gpu = create([])
  Object.assign(globalThis, globals)
  // Node 21 and later have a navigator of their own, which cannot be written to.
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true })
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (adapter === null) throw noAdapter()
}

/** Whether Linux finds the library of Vulkan, without which Dawn complains on stderr by itself. */
function mayLoadVulkan(): boolean {
  if (process.platform !== 'linux') return true
  try {
    process.dlopen({ exports: {} }, 'libvulkan.so.1')
    return true
  } catch (error) {
    // What is found is no module of Node, and refused as such.
    return !String(error).includes('cannot open shared object file')
  }
}

function noAdapter(): PeerError {
  return new PeerError(
    { code: 'no-engine', engine: 'tfjs-webgpu' },
    'engine tfjs-webgpu: this machine gives no WebGPU adapter (on Linux it takes Vulkan and a driver for it); choose ort-node or ort-wasm',
  )
}
