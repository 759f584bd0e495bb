import type { EngineName, LayerDtype, Manifest } from '@layerswarm/model'
import { LAYER_DTYPES } from '@layerswarm/model'
import {
  LAYER_FILES_LOSS_SHARE_MAX,
  LAYERS_DOWNLOAD_MS_MAX,
  LAYERS_MEMORY_SHARE_MAX,
} from '../limits.ts'
import type { DeviceFacts } from '../node/device.ts'
import type { PeerOptions } from '../options.ts'

/** For whom the files are chosen. */
export interface LayerFilesNeeds {
  readonly wanted: PeerOptions['layerFiles']
  readonly engine: 'auto' | EngineName
  /** How many layers are hosted. */
  readonly layers: number
  readonly manifest: Pick<Manifest, 'parts' | 'layerFiles'>
  readonly device: DeviceFacts
}

/** What was chosen, and why in a few words. */
export interface LayerFilesChoice {
  readonly dtype: LayerDtype
  readonly reason: string
}

/** One kind of files that there is. */
interface Kind {
  readonly dtype: LayerDtype
  /** Of the largest layer. */
  readonly bytes: number
  /** Accuracy that it costs, 0 … 1. */
  readonly loss: number
}

/** Engines that compute with int8 and int4 as they are stored; all others widen them once to float32 when they are loaded. */
const KEEPS_STORED: ReadonlySet<EngineName> = new Set(['ort-node'])

/**
 * Which files of layers a peer loads. All engines can run all kinds, so small ones save a download everywhere, but
 * memory only where the engine keeps them as they are stored.
 *
 * 1. Whoever names a kind gets it, or of the larger ones that there are the smallest.
 * 2. By itself none is taken that costs more than LAYER_FILES_LOSS_SHARE_MAX.
 * 3. A connection that saves data gets the smallest; others the largest that is here in LAYERS_DOWNLOAD_MS_MAX and fits
 *    LAYERS_MEMORY_SHARE_MAX of the memory, or the smallest where none does.
 */
export function chooseLayerFiles(needs: LayerFilesNeeds): LayerFilesChoice {
  const { wanted, layers, device } = needs
  const kinds = kindsOf(needs.manifest)
  const own = kinds[0] as Kind
  if (wanted !== 'auto') return asWanted(kinds, wanted)
  const good = kinds.filter(({ loss }) => loss <= LAYER_FILES_LOSS_SHARE_MAX)
  const smallest = good.at(-1) ?? own
  if (good.length <= 1)
    return { dtype: own.dtype, reason: 'the release has no others that lose as little' }
  if (layers === 0) return { dtype: own.dtype, reason: 'no layers are hosted' }
  if (device.savesData) return { dtype: smallest.dtype, reason: 'this connection is to save data' }
  const kept = KEEPS_STORED.has(needs.engine === 'auto' ? device.usualEngine : needs.engine)
  const ill = [
    { fault: 'take too long to load', of: (kind: Kind) => isSlow(kind, layers, device) },
    {
      fault: 'are too large for this memory',
      of: (kind: Kind) => kept && isLarge(kind, layers, device),
    },
  ]
  const faultOf = (kind: Kind) => ill.find(({ of }) => of(kind))?.fault
  const fault = faultOf(own)
  if (fault === undefined) return { dtype: own.dtype, reason: 'nothing here asks for smaller ones' }
  const chosen = good.find((kind) => faultOf(kind) === undefined) ?? smallest
  return { dtype: chosen.dtype, reason: `${layers} layers in ${own.dtype} ${fault}` }
}

/** How many layers a peer with these options hosts at most. */
export function layersHosted({ serve, capacity }: Pick<PeerOptions, 'serve' | 'capacity'>): number {
  if (serve === 'none') return 0
  return serve === 'auto' ? capacity : serve.length
}

function asWanted(kinds: readonly Kind[], wanted: LayerDtype): LayerFilesChoice {
  const rank = (dtype: LayerDtype) => LAYER_DTYPES.indexOf(dtype)
  const larger = kinds.filter(({ dtype }) => rank(dtype) <= rank(wanted))
  const { dtype } = larger.at(-1) ?? (kinds[0] as Kind)
  return { dtype, reason: dtype === wanted ? 'as told' : `the release has no ${wanted}` }
}

function isSlow({ bytes }: Kind, layers: number, { downloadBytesPerMs }: DeviceFacts): boolean {
  return (
    downloadBytesPerMs !== undefined && layers * bytes > LAYERS_DOWNLOAD_MS_MAX * downloadBytesPerMs
  )
}

function isLarge({ bytes }: Kind, layers: number, { memoryBytes }: DeviceFacts): boolean {
  return memoryBytes !== undefined && layers * bytes > LAYERS_MEMORY_SHARE_MAX * memoryBytes
}

/** The largest first. */
function kindsOf({ parts, layerFiles = [] }: LayerFilesNeeds['manifest']): Kind[] {
  const layers = parts.filter(({ part }) => typeof part === 'number')
  const largest = (files: readonly { readonly bytes: number }[]) =>
    files.reduce((most, { bytes }) => Math.max(most, bytes), 0)
  return [
    { dtype: layers[0]?.dtype ?? 'float32', bytes: largest(layers), loss: 0 },
    ...layerFiles.map(({ dtype, files, own, accuracy }) => ({
      ...{ dtype, bytes: largest(files) },
      // Without what is left of a difference in floating point: 0.3 points are 0.3 points.
      loss: Number((own - accuracy).toFixed(6)),
    })),
  ]
}
