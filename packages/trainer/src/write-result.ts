import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ModelSpec } from '@layerswarm/model'
import type { Progress } from './checkpoint.ts'
import type { Dataset } from './data/dataset.ts'
import { ortNodeVersion } from './engine/native-runtime.ts'
import type { Accuracies } from './evaluate.ts'
import { prettyJson, replaceFile } from './files.ts'
import { modelFile } from './model-file.ts'
import type { Origin } from './origin.ts'
import type { ParameterLayout } from './parameters.ts'
import type { Recipe } from './recipe.ts'
import type { TrainReport } from './report.ts'
import { trainPage } from './train-page.ts'

/** What a finished training hands over. */
export interface TrainResult {
  readonly recipe: Recipe
  readonly origin: Origin
  readonly spec: ModelSpec
  readonly dataset: Dataset
  readonly layout: ParameterLayout
  /** Flat, as `layout` says. */
  readonly weights: Float32Array
  readonly progress: Progress
  readonly accuracies: Accuracies
  /** The runtime and the device that computed. */
  readonly engine: string
}

/** Writes model.safetensors, recipe.json, report.json and train-report.html into a folder. */
export async function writeResult(outDir: string, result: TrainResult): Promise<TrainReport> {
  const { recipe, origin, spec, dataset, layout, progress, accuracies } = result
  const model = modelFile(layout, result.weights)
  const report: TrainReport = {
    name: recipe.name,
    spec,
    parameters: layout.elements,
    preprocessing: preprocessingOf(dataset),
    dataset: {
      name: dataset.name,
      labels: dataset.labels,
      trainImages: dataset.train.count,
      testImages: dataset.test.count,
    },
    ...origin,
    seed: recipe.seed,
    steps: progress.step,
    imagesSeen: progress.step * recipe.batch,
    wallSeconds: progress.wallSeconds,
    cpuSeconds: progress.cpuSeconds,
    accuracies,
    curve: progress.curve,
    modelHash: createHash('sha256').update(model).digest('hex'),
    engine: result.engine,
    versions: {
      trainer: await ownVersion(),
      onnxruntime: await ortNodeVersion(),
      node: process.versions.node,
    },
  }
  await replaceFile(join(outDir, 'model.safetensors'), model)
  await replaceFile(join(outDir, 'recipe.json'), prettyJson(recipe))
  await replaceFile(join(outDir, 'report.json'), prettyJson(report))
  await replaceFile(join(outDir, 'train-report.html'), trainPage(report, recipe))
  return report
}

/** What the release will say of how it saw its pictures; a field that is not there is left out. */
function preprocessingOf({
  mean,
  std,
  foreground = 'any',
  resize,
  rescale,
}: Dataset): TrainReport['preprocessing'] {
  return {
    ...{ mean, std, foreground },
    ...(resize === undefined ? {} : { resize }),
    ...(rescale === undefined ? {} : { rescale }),
  }
}

async function ownVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  const value: unknown = JSON.parse(text)
  const version = typeof value === 'object' && value !== null && 'version' in value
  return version ? String(value.version) : 'unknown'
}
