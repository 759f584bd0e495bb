import { basename, resolve } from 'node:path'
import type { ModelSpec } from '@layerswarm/model'
import { layoutOf, writeMadeModel } from '@layerswarm/trainer'
import { requireFolder } from '../files.ts'
import { readCheckpointFolder } from './checkpoint-folder.ts'
import { checkedName, nameAfter } from './release-name.ts'
import { refuseTaken } from './taken-folder.ts'

/** Where an imported model goes, and what it is called. */
export interface ImportChoice {
  readonly out: string
  readonly name: string | undefined
  readonly dropDistillation: boolean
}

/** What an import made. */
export interface ImportResult {
  readonly name: string
  readonly spec: ModelSpec
  readonly parameters: number
  readonly modelHash: string
  /** It has no classifier, and is only a start for a training. */
  readonly isBackbone: boolean
  /** Tensors that nobody needs, by their names. */
  readonly skipped: readonly string[]
}

/** Imports a model of Hugging Face or timm into a folder. @throws CliError; ModelError naming what is wrong. */
export async function importFolder(
  folder: string,
  { out, name, dropDistillation }: ImportChoice,
): Promise<ImportResult> {
  const given = name === undefined ? undefined : checkedName(name)
  await requireFolder(folder)
  await refuseTaken(out)
  const model = await readCheckpointFolder(folder, dropDistillation)
  const called = given ?? nameAfter(basename(resolve(folder)))
  const modelHash = await writeMadeModel(out, {
    ...model,
    name: called,
    seed: 0,
    imagesSeen: 0,
    recipe: { import: basename(resolve(folder)), dropDistillation },
  })
  const { spec, isBackbone, skipped } = model
  const parameters = layoutOf(spec).elements - (isBackbone ? spec.classes * (spec.width + 1) : 0)
  return { name: called, spec, parameters, modelHash, isBackbone, skipped }
}
