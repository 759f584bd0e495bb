import {
  type CreateEngine,
  createReferenceEngine,
  type Engine,
  type EngineName,
  type ModelSpec,
  type Part,
  randomModel,
  sha256,
  type Tensor,
} from '@layerswarm/model'
import { createLayerStore, type LayerStore } from '../store/layer-store.ts'
import { createMemoryCache } from '../store/memory-cache.ts'
import { createComputeService } from './compute-service.ts'
import type { ComputePlatform } from './engine-opener.ts'

/** Compute workers without a thread, with engines that can be told to misbehave: for tests. */
export const SMALL_SPEC: ModelSpec = {
  variant: 'position',
  imageSize: 8,
  patchSize: 4,
  channels: 1,
  width: 16,
  layers: 3,
  heads: 2,
  mlpWidth: 16,
  classes: 3,
  layerNormEps: 1e-6,
}
/** Part files of a model of SMALL_SPEC with random weights, by part. */
export const SMALL_FILES = randomModel(SMALL_SPEC, 3)

/** A store whose one source has these files. */
export function storeOf(files: ReadonlyMap<Part, Uint8Array>): LayerStore {
  const parts = [...files].map(([part, file]) => ({
    ...{ part, sha256: sha256(file), bytes: file.length, dtype: 'float32' as const },
    file,
  }))
  return createLayerStore({
    manifest: { name: 'random', parts },
    cache: createMemoryCache(),
    fetchers: [
      {
        name: 'http',
        fetch: async (hash) => parts.find((part) => part.sha256 === hash)?.file.slice(),
      },
    ],
  })
}

/** The reference under another name, whose runs `run` may spoil, delay or make fail. */
export function changedReference(
  name: EngineName,
  run: (compute: () => Promise<Tensor>, part: Part, input: Tensor) => Promise<Tensor>,
  lost?: Promise<string>,
): CreateEngine {
  return async (spec) => {
    const reference = createReferenceEngine(spec)
    const engine: Engine = {
      ...reference,
      name,
      run: (part, input, hop) => run(() => reference.run(part, input, hop), part, input),
    }
    return lost === undefined ? engine : { ...engine, lost }
  }
}

/** The reference as it is, under another name. */
export function renamedReference(name: EngineName, lost?: Promise<string>): CreateEngine {
  return changedReference(name, (compute) => compute(), lost)
}

/** @param engines the first of each list is in the first worker started for it; the last stays. */
export function inProcess(
  engines: Partial<Record<EngineName, CreateEngine | readonly CreateEngine[]>>,
  options: Partial<ComputePlatform> = {},
): ComputePlatform & { readonly started: EngineName[] } {
  const started: EngineName[] = []
  return {
    engines: Object.keys(engines) as EngineName[],
    choose: 'fastest',
    ruledOut: [],
    lastResort: undefined,
    ...options,
    started,
    spawnerOf: (name) => () => {
      const given = engines[name]
      const list = typeof given === 'function' ? [given] : (given ?? [])
      const times = started.filter((one) => one === name).length
      const factory = list[Math.min(times, list.length - 1)]
      started.push(name)
      return {
        api: createComputeService(factory === undefined ? {} : { [name]: factory }),
        terminate: async () => undefined,
      }
    },
  }
}
