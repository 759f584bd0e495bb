import { join } from 'node:path'
import {
  type ModelSpec,
  type Preprocessing,
  parseModelSpec,
  parsePreprocessing,
  type Sha256,
  sha256,
} from '@layerswarm/model'
import { resumeCommandIn } from '@layerswarm/trainer'
import { CliError } from '../cli-error.ts'
import { exists, parseJson, readBounded, requireFolder } from '../files.ts'
import { MODEL_BYTES_MAX, TRAINING_DOCUMENT_BYTES_MAX } from '../limits.ts'

/** What a training leaves behind: model.safetensors, recipe.json, report.json. */
export interface TrainingFolder {
  readonly name: string
  readonly spec: ModelSpec
  readonly preprocessing: Preprocessing
  readonly labels: readonly string[]
  /** Name of the data set that it learned; an import or a merge does not say. */
  readonly trainedOn: string | undefined
  /** It has no classifier, as an imported backbone. */
  readonly isBackbone: boolean
  readonly seed: number
  /** Training images seen in all. */
  readonly imagesSeen: number
  /** Processor time of the training; an import or a merge does not say. */
  readonly cpuSeconds?: number | undefined
  /** The whole model, safetensors. */
  readonly checkpoint: Uint8Array
  readonly recipeBytes: Uint8Array
  readonly reportBytes: Uint8Array
}

/**
 * Reads what a training left behind, and checks that the report is about this very model.
 * @throws CliError `not-found` or `bad-file`; ModelError `bad-spec` or `bad-manifest`.
 */
export async function readTrainingFolder(folder: string): Promise<TrainingFolder> {
  await requireFolder(folder)
  const path = join(folder, 'report.json')
  if (!(await exists(path))) await refuseUnfinished(folder)
  const checkpoint = await readBounded(join(folder, 'model.safetensors'), MODEL_BYTES_MAX)
  const recipeBytes = await readBounded(join(folder, 'recipe.json'), TRAINING_DOCUMENT_BYTES_MAX)
  const reportBytes = await readBounded(path, TRAINING_DOCUMENT_BYTES_MAX)
  const report = fieldsOf(path, parseJson(path, reportBytes))
  if (report.get('modelHash') !== sha256(checkpoint)) {
    fail(path, 'does not describe the model.safetensors beside it')
  }
  const spec = parseModelSpec(report.get('spec'))
  const dataset = fieldsOf(path, report.get('dataset'))
  const pixels = Object.fromEntries(fieldsOf(path, report.get('preprocessing')))
  return {
    name: textOf(path, report, 'name'),
    spec,
    preprocessing: parsePreprocessing({
      // Older reports name none; the grey data sets they are about show light on black.
      foreground: spec.channels === 1 ? 'light' : 'any',
      ...pixels,
      ...{ size: spec.imageSize, channels: spec.channels },
      ...{ mean: [pixels.mean].flat(), std: [pixels.std].flat() },
    }),
    labels: labelsOf(path, dataset.get('labels')),
    trainedOn: optionalTextOf(dataset, 'name'),
    isBackbone: report.get('backbone') === true,
    seed: numberOf(path, report, 'seed'),
    imagesSeen: numberOf(path, report, 'imagesSeen'),
    cpuSeconds: cpuSecondsOf(report),
    checkpoint,
    recipeBytes,
    reportBytes,
  }
}

/** @throws CliError `bad-file` for a training that was stopped on its way. */
export async function refuseUnfinished(folder: string): Promise<void> {
  if (!(await exists(join(folder, 'checkpoint.safetensors')))) return
  throw new CliError(
    { code: 'bad-file', path: folder },
    `${folder} holds a training that is not finished; go on with: ${await resumeCommandIn(folder)}`,
  )
}

/** @throws CliError `refused` for a model without a classifier. */
export function refuseBackbone(folder: string, isBackbone: boolean): void {
  if (!isBackbone) return
  throw new CliError(
    { code: 'refused', what: folder },
    `${folder} is a backbone, without a classifier; layerswarm train RECIPE --data DIR --from ${folder} makes a model of it`,
  )
}

function fail(path: string, message: string): never {
  throw new CliError({ code: 'bad-file', path }, `${path} ${message}`)
}

function fieldsOf(path: string, value: unknown): ReadonlyMap<string, unknown> {
  if (typeof value === 'object' && value !== null) return new Map(Object.entries(value))
  return fail(path, 'is not the report of a training')
}

function textOf(path: string, fields: ReadonlyMap<string, unknown>, name: string): string {
  const value = fields.get(name)
  return typeof value === 'string' ? value : fail(path, `has no "${name}"`)
}

function optionalTextOf(fields: ReadonlyMap<string, unknown>, name: string): string | undefined {
  const value = fields.get(name)
  return typeof value === 'string' ? value : undefined
}

function numberOf(path: string, fields: ReadonlyMap<string, unknown>, name: string): number {
  const value = fields.get(name)
  return typeof value === 'number' ? value : fail(path, `has no "${name}"`)
}

function cpuSecondsOf(report: ReadonlyMap<string, unknown>): number | undefined {
  const value = report.get('cpuSeconds')
  return typeof value === 'number' ? value : undefined
}

/** Name of the data set that the training of a report learned. @throws CliError `bad-file`. */
export function datasetNameOf(path: string, reportBytes: Uint8Array): string | undefined {
  const report = fieldsOf(path, parseJson(path, reportBytes))
  return optionalTextOf(fieldsOf(path, report.get('dataset')), 'name')
}

/** The processor time that the report beside a release tells, if it is the one that was signed. */
export async function readCpuSeconds(path: string, signed: Sha256): Promise<number | undefined> {
  if (!(await exists(path))) return undefined
  const bytes = await readBounded(path, TRAINING_DOCUMENT_BYTES_MAX)
  return sha256(bytes) === signed ? cpuSecondsOf(fieldsOf(path, parseJson(path, bytes))) : undefined
}

function labelsOf(path: string, value: unknown): string[] {
  if (!Array.isArray(value)) return fail(path, 'has no "dataset.labels"')
  return value.map((label: unknown) =>
    typeof label === 'string' ? label : fail(path, 'has a label that is no text'),
  )
}
