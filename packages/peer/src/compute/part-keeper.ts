import { type Part, partName } from '@layerswarm/model'
import { transfer } from 'comlink'
import { createQueue } from '../engine/queue.ts'
import type { LayerStore } from '../store/layer-store.ts'
import { createByteGate } from './byte-gate.ts'
import { computeError } from './compute-reply.ts'
import { FILES_UNDER_WAY_BYTES_MAX } from './limits.ts'
import type { WorkerCall, WorkerSupervisor } from './worker-supervisor.ts'

/** Keeps parts loaded in whichever worker there is, and runs calls on them one after the other. */
export interface PartKeeper {
  /** Fetches and loads a part, and keeps it until `drop`. @throws PeerError. */
  keep(part: Part): Promise<void>
  /** `keep` at the first call for a part, and again only after a failure. */
  keepOnce(part: Part): Promise<void>
  drop(part: Part): void
  /** Runs a call on a part, which is loaded first if its worker was replaced. @throws PeerError. */
  use<T>(part: Part, call: WorkerCall<T>): Promise<T>
  /** Loads everything that is kept into the present worker. @throws PeerError of the first that cannot be loaded. */
  restore(): Promise<void>
  dropAll(): void
}

/**
 * 1. The worker is given one call at a time, so that a time limit measures one call.
 * 2. Fetching a file holds up nobody but the files of further layers, of which no more than
 *    FILES_UNDER_WAY_BYTES_MAX are in memory at once.
 * 3. A part is loaded again in a new worker before it is used there.
 * 4. Stem and head, which are this peer's own requests and small, do not wait for layers that others asked for.
 * 5. A file is handed over to the worker: nothing of it stays here.
 *
 * @param loaded is told what a warm run of a part takes after it was loaded.
 */
export function createPartKeeper(
  supervisor: WorkerSupervisor,
  store: LayerStore,
  loaded: (part: Part, ms: number) => void,
): PartKeeper {
  const queue = createQueue()
  const gate = createByteGate(FILES_UNDER_WAY_BYTES_MAX)
  /** What is to stay loaded, and what stops fetching it. */
  const kept = new Map<Part, AbortController>()
  const once = new Map<Part, Promise<void>>()

  /** Inside the queue. */
  async function ensureLoaded(part: Part, fetched?: Uint8Array): Promise<void> {
    if (!kept.has(part) || supervisor.loaded.has(part)) return
    const file = whole(fetched ?? (await store.part(part, kept.get(part)?.signal)))
    const load: WorkerCall<number> = (api) => api.load(part, transfer(file, [file.buffer]))
    const ms = await supervisor.call('load', load)
    supervisor.loaded.add(part)
    loaded(part, ms)
  }

  async function load(part: Part, signal: AbortSignal): Promise<void> {
    const file = await store.part(part, signal)
    await queue(async () => {
      signal.throwIfAborted()
      await ensureLoaded(part, file)
    })
  }

  async function keep(part: Part): Promise<void> {
    const stop = new AbortController()
    kept.get(part)?.abort(dropped(part))
    kept.set(part, stop)
    try {
      const fetchAndLoad = () => load(part, stop.signal)
      if (typeof part === 'string') await fetchAndLoad()
      else await gate(store.bytesOf(part), fetchAndLoad, stop.signal)
    } catch (error) {
      if (kept.get(part) === stop) kept.delete(part)
      throw error
    }
  }

  function drop(part: Part): void {
    kept.get(part)?.abort(dropped(part))
    kept.delete(part)
    const unload = async () => {
      // Kept again in the meantime, or gone with its worker.
      if (kept.has(part) || !supervisor.loaded.delete(part)) return
      await supervisor.call('run', (api) => api.unload(part))
    }
    // If that fails, its worker is gone, and the part with it.
    void queue(unload).catch(() => undefined)
  }

  return {
    keep,
    keepOnce(part) {
      const loading = once.get(part) ?? keep(part)
      once.set(part, loading)
      loading.catch(() => once.delete(part))
      return loading
    },
    drop,
    use: (part, call) =>
      queue(
        async () => {
          await ensureLoaded(part)
          return await supervisor.call('run', call)
        },
        typeof part === 'string',
      ),
    async restore() {
      // One after the other in the queue: a run that waits for its own part does not wait for all.
      const loading = [...kept.keys()].map((part) => queue(() => ensureLoaded(part)))
      const results = await Promise.allSettled(loading)
      for (const result of results) if (result.status === 'rejected') throw result.reason
    },
    dropAll() {
      for (const part of [...kept.keys()]) drop(part)
    },
  }
}

/** The file in memory that has nothing else in it, so that it can be handed over. */
function whole(file: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = file
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength
  return isWhole ? new Uint8Array(buffer) : Uint8Array.from(file)
}

function dropped(part: Part): Error {
  return computeError(`${partName(part)} is not hosted any more`)
}
