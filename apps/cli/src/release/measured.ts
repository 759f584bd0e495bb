import { basename, resolve } from 'node:path'
import { keepsOrder, type Mix, type Novelty, releaseId } from '@layerswarm/model'
import { evaluateMix, evaluateNovelty, FASHION_MNIST_DIR } from '@layerswarm/trainer'
import { CliError } from '../cli-error.ts'
import { exists } from '../files.ts'
import { MIX_LOSS_SHARE_MAX } from '../limits.ts'
import { machineOptions, readTestImages, sourcesOf } from './evaluate-folders.ts'
import { checkPair } from './merge-folders.ts'
import { type ModelFolder, readManifest, readModelFolder } from './release-folder.ts'

/** What a release is measured on before it is signed. */
export interface MeasureChoice {
  /** Test images; Fashion-MNIST where it is undefined. */
  readonly data: string | undefined
  /** Folders of releases that it is to be mixed with. */
  readonly mixesWith: readonly string[]
  readonly signal: AbortSignal
  log(line: string): void
  progress(text: string): void
}

/** Fashion-MNIST by the name that a training's report gives it. */
export const FASHION_MNIST = 'fashion-mnist'

/**
 * What a manifest says of pictures that the model does not know, measured on those of `data` or, of
 * a model that learned Fashion-MNIST, on its test images where they are installed.
 * @returns undefined where there are none at hand.
 * @throws CliError, ModelError, TrainerError.
 */
export async function noveltyOf(
  folder: string,
  trainedOn: string | undefined,
  { data, signal, log, progress }: MeasureChoice,
): Promise<Novelty | undefined> {
  const isAtHand = trainedOn === FASHION_MNIST && (await exists(FASHION_MNIST_DIR))
  if (data === undefined && !isAtHand) return undefined
  const model = await readModelFolder(folder)
  const testOf = await readTestImages([model], sourcesOf({ data, signal, log, progress }))
  log(`measuring from when on a picture is unlike what ${model.name} was trained on`)
  return evaluateNovelty(model, testOf(model), { signal, ...machineOptions(progress) })
}

/**
 * What a manifest says of the releases that it mixes with, each measured layer by layer.
 * @returns undefined where none is named.
 * @throws CliError `refused` for a release of another kind, or one with which too much is lost.
 */
export async function mixesOf(
  folder: string,
  { data, mixesWith, signal, log, progress }: MeasureChoice,
): Promise<readonly Mix[] | undefined> {
  if (mixesWith.length === 0) return undefined
  const model = await readModelFolder(folder)
  const mixes: Mix[] = []
  for (const place of mixesWith) {
    const release = releaseId(await readManifest(place))
    const read = await readModelFolder(place)
    // Two versions of one name are told apart by where they lie.
    const other = read.name === model.name ? { ...read, name: basename(resolve(place)) } : read
    checkPair(model, other, 'mixed')
    if (keepsOrder(model.spec)) refuse(model, other, 'their layers keep an order')
    const testOf = await readTestImages([model, other], sourcesOf({ data, signal, log, progress }))
    const figures = await evaluateMix(model, other, testOf, { signal, ...machineOptions(progress) })
    const worse = Math.min(figures.own, figures.other)
    if (figures.accuracy < worse - MIX_LOSS_SHARE_MAX) {
      const each = `${percent(figures.own)} and ${percent(figures.other)} each by itself`
      refuse(model, other, `${percent(figures.accuracy)} are right together, ${each}`)
    }
    mixes.push({ release, ...figures })
  }
  return mixes
}

function refuse(a: ModelFolder, b: ModelFolder, reason: string): never {
  throw new CliError(
    { code: 'refused', what: b.name },
    `${a.name} and ${b.name} cannot be mixed: ${reason}`,
  )
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
