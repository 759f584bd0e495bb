import { readdir, realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Manifest } from '@layerswarm/model'
import { resumeCommandIn } from '@layerswarm/trainer'
import { CliError } from '../cli-error.ts'
import { readManifest } from './release-folder.ts'

/** What a folder holds that would be lost below something else. */
interface Holding {
  readonly kind: 'release' | 'model' | 'training' | 'unfinished training'
  /** The file by which it is known. */
  readonly file: string
}

const MODEL_FILE = /^(config\.json|model(-\d+-of-\d+)?\.safetensors(\.index\.json)?)$/
const CHECKPOINT = 'checkpoint.safetensors'
const MANIFEST = 'manifest.json'

const WORDS: Readonly<Record<Holding['kind'], string>> = {
  release: 'a release already',
  model: 'another model already',
  training: 'a finished training already',
  'unfinished training': 'a training that is not finished',
}

/**
 * Makes sure that nothing is lost in a folder that is about to be written into.
 * @param flag the option that named it.
 * @throws CliError `refused` when it holds a model, a training or a release.
 */
export async function refuseTaken(
  folder: string,
  flag: '--out' | '--report' = '--out',
): Promise<void> {
  const held = holdingIn(await namesIn(folder))
  if (held !== undefined) refuse(folder, held, `choose another folder with ${flag}`)
}

/**
 * As `refuseTaken`, for a training: one that goes on is written over itself.
 * @throws CliError `refused`.
 */
export async function refuseTakenByOther(folder: string, resume: boolean): Promise<void> {
  const held = holdingIn(await namesIn(folder))
  if (held === undefined) return
  const isUnfinished = held.kind === 'unfinished training'
  const isTraining = held.kind === 'training' || isUnfinished
  if (resume && isTraining) return
  const goOn = isUnfinished ? `go on with: ${await resumeCommandIn(folder)}, or ` : ''
  refuse(folder, held, `${goOn}choose another folder with --out`)
}

/**
 * As `refuseTaken`, for a release: the model that it is made of may lie there, and a release of the same model or of
 * its name and classes, which is then replaced.
 * @param from where the model lies.
 * @throws CliError `refused`.
 */
export async function refuseOtherRelease(
  folder: string,
  from: string,
  next: Pick<Manifest, 'name' | 'labels' | 'training'>,
): Promise<void> {
  const names = await namesIn(folder)
  const held = holdingIn(names.filter((name) => name !== MANIFEST))
  const remedy = 'choose another folder with --out'
  if (held !== undefined && !(await isSamePlace(folder, from))) refuse(folder, held, remedy)
  if (!names.includes(MANIFEST)) return
  const previous = await readManifest(folder).catch(() => undefined)
  if (previous !== undefined && isSameModel(previous, next)) return
  const what =
    previous === undefined
      ? `a release that cannot be read (${MANIFEST})`
      : `the release of another model already (${described(previous, next)})`
  throw new CliError({ code: 'refused', what: folder }, `${folder} holds ${what}; ${remedy}`)
}

function holdingIn(names: readonly string[]): Holding | undefined {
  if (names.includes(MANIFEST)) return { kind: 'release', file: MANIFEST }
  const isTraining = names.includes(CHECKPOINT)
  // The report is what a training writes last.
  if (isTraining && !names.includes('report.json')) {
    return { kind: 'unfinished training', file: CHECKPOINT }
  }
  if (isTraining) return { kind: 'training', file: CHECKPOINT }
  const file = names.find((name) => MODEL_FILE.test(name))
  return file === undefined ? undefined : { kind: 'model', file }
}

/** None where there is no folder: what is in its place is told when it is made. */
async function namesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.toSorted()
}

function refuse(folder: string, { kind, file }: Holding, remedy: string): never {
  throw new CliError(
    { code: 'refused', what: folder },
    `${folder} holds ${WORDS[kind]} (${file}); ${remedy}`,
  )
}

async function isSamePlace(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((path) => realpath(path).catch(() => path)))
  return resolve(one ?? a) === resolve(other ?? b)
}

type Named = Pick<Manifest, 'name' | 'labels' | 'training'>

/** A training that was made again has another report: its name and its classes say that it is meant to replace the older one. */
function isSameModel(previous: Named, next: Named): boolean {
  if (previous.training.report === next.training.report) return true
  return previous.name === next.name && hasSameClasses(previous, next)
}

function hasSameClasses(a: Named, b: Named): boolean {
  return a.labels.join('\n') === b.labels.join('\n')
}

function described(previous: Named, next: Named): string {
  return previous.name === next.name ? `${previous.name}, of other classes` : previous.name
}
