import type { ModelSpec, Preprocessing } from '@layerswarm/model'
import { downloadData, type LoadOptions, readSources } from '@layerswarm/trainer'
import { usageError } from '../cli-error.ts'
import { readPixels } from './picture.ts'

/** Where a command finds its data set, and whether it may fetch what is missing. */
export interface DownloadChoice {
  /** A list of sources; undefined downloads nothing. */
  readonly download: string | undefined
  readonly data: string | undefined
  readonly signal: AbortSignal
  log(line: string): void
}

/** Fetches what the folder of a data set lacks, if that was asked for. @throws CliError; TrainerError. */
export async function fetchData({ download, data, signal, log }: DownloadChoice): Promise<void> {
  if (download === undefined) return
  if (data === undefined)
    throw usageError('--download FILE needs --data DIR, where the files are kept')
  const sources = await readSources(download)
  const onFile = ({ name, url }: (typeof sources)[number]): void =>
    log(`fetching ${name} from ${url}`)
  const fetched = await downloadData(sources, data, { signal, onFile })
  log(`${fetched} of ${sources.length} files were fetched, the others were there`)
}

/** A model that is there already, as far as it says how it wants its pictures. */
export interface PictureTaker {
  readonly spec: Pick<ModelSpec, 'imageSize' | 'channels'>
  readonly preprocessing?: Preprocessing | undefined
}

/**
 * How pictures in a folder per class are read. @param taker the model that takes them, by its own
 * preprocessing if it has one; without a model the pictures decide. `strict` stops at the first that
 * cannot be read.
 */
export function picturesOf(
  size: number | undefined,
  taker: PictureTaker | undefined,
  { strict, log }: { readonly strict: boolean; log(line: string): void },
): NonNullable<LoadOptions['pictures']> {
  const channels = taker && (taker.spec.channels === 1 ? 1 : 3)
  const as = taker?.preprocessing
  return {
    ...{ decode: readPixels, size: size ?? taker?.spec.imageSize, channels, as },
    ...{ isSizeNamed: size !== undefined, strict, tell: log },
  }
}
