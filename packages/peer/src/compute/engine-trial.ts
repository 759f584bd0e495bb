import type { EngineName } from '@layerswarm/model'

/** What came of an engine that this device could run, when it was checked at the start. */
export interface EngineTrial {
  readonly engine: EngineName
  /** Milliseconds of one image through one layer of the model; undefined when it was not timed. */
  readonly layerMs: number | undefined
  /** Why it does not serve, in one line; undefined for an engine that may. */
  readonly refused: string | undefined
}

/** Engines that lose their device, all their shaders and all their weights when the GPU process ends. */
export function isOnGpu(engine: EngineName): boolean {
  return engine === 'ort-webgpu' || engine === 'tfjs-webgpu'
}

/** The engines that may serve, the fastest first; those that were not timed keep their place behind. */
export function rankedEngines(trials: readonly EngineTrial[]): EngineName[] {
  return trials
    .filter(({ refused }) => refused === undefined)
    .toSorted((a, b) => msOf(a) - msOf(b))
    .map(({ engine }) => engine)
}

/** Why this engine serves and no other, in one line. */
export function whyEngine(engine: EngineName, trials: readonly EngineTrial[]): string {
  const timed = trials.filter(({ refused }) => refused === undefined)
  const refused = trials.filter((trial) => trial.refused !== undefined)
  const others = refused.map((trial) => `${trial.engine}: ${trial.refused}`)
  const best =
    timed.length > 1
      ? `${engine} is the fastest (${timed.map(timeOf).join(', ')} per layer)`
      : `${engine} is the only engine`
  return others.length === 0 ? best : `${best}; ${others.join('; ')}`
}

function timeOf({ engine, layerMs }: EngineTrial): string {
  return `${engine} ${layerMs === undefined ? 'not timed' : `${layerMs.toFixed(2)} ms`}`
}

function msOf({ layerMs }: EngineTrial): number {
  return layerMs ?? Number.MAX_VALUE
}
