import { basename, join, resolve } from 'node:path'
import { labelFault } from '@layerswarm/model'
import { drawMask, mergeParts, sameSpec, writeMadeModel } from '@layerswarm/trainer'
import { CliError, usageError } from '../cli-error.ts'
import { type ModelFolder, readModelFolder } from './release-folder.ts'
import { checkedName, nameAfter } from './release-name.ts'
import { refuseTaken } from './taken-folder.ts'

/** How two models are merged, and where to. */
export interface MergeChoice {
  readonly out: string
  /** Which layers come from the second model. */
  readonly mask: readonly boolean[] | undefined
  readonly seed: number | undefined
  readonly name: string | undefined
}

/** Merges two models of one spec into a folder. @throws CliError; ModelError; TrainerError. */
export async function mergeFolders(
  a: string,
  b: string,
  choice: MergeChoice,
): Promise<{ name: string; modelHash: string; mask: readonly boolean[] }> {
  const given = choice.name === undefined ? undefined : checkedName(choice.name)
  await refuseTaken(choice.out)
  const first = await readModelFolder(a)
  const second = await readModelFolder(b)
  checkPair(first, second, 'merged')
  checkLabels(a, first.labels)
  const { spec, preprocessing } = first
  if (preprocessing === undefined) {
    throw new CliError(
      { code: 'refused', what: a },
      `${a} does not say how pictures become inputs; import it first (layerswarm import ${a} --out DIR)`,
    )
  }
  const seed = choice.seed ?? 0
  const mask = choice.mask ?? drawMask(spec.layers, seed)
  if (mask.length !== spec.layers) {
    throw usageError(`--mask has ${mask.length} entries; the models have ${spec.layers} layers`)
  }
  const name = given ?? nameAfter(first.name, '-merged')
  const modelHash = await writeMadeModel(choice.out, {
    name,
    spec,
    parts: mergeParts(spec, first.parts, second.parts, mask),
    preprocessing,
    labels: first.labels,
    isBackbone: false,
    seed,
    imagesSeen: (first.training?.images ?? 0) + (second.training?.images ?? 0),
    recipe: { merge: [a, b].map((folder) => basename(resolve(folder))), mask: mask.map(Number) },
  })
  return { name, modelHash, mask }
}

/** Those of a report may be of a time when any were taken. @throws CliError `bad-file`. */
function checkLabels(folder: string, labels: readonly string[]): void {
  for (const [id, label] of labels.entries()) {
    const fault = labelFault(label)
    if (fault === undefined) continue
    const path = join(folder, 'report.json')
    throw new CliError(
      { code: 'bad-file', path },
      `${path}: "dataset.labels.${id}" ${fault}; change it there`,
    )
  }
}

/** @throws CliError `refused` for models whose layers cannot be put together. */
export function checkPair(a: ModelFolder, b: ModelFolder, what: 'merged' | 'mixed'): void {
  const refuse = (reason: string): never => {
    throw new CliError(
      { code: 'refused', what: b.name },
      `${a.name} and ${b.name} cannot be ${what}: ${reason}`,
    )
  }
  const fields = Object.keys(a.spec) as (keyof typeof a.spec)[]
  const field = fields.find((name) => a.spec[name] !== b.spec[name])
  if (field !== undefined || !sameSpec(a.spec, b.spec)) {
    const name = field ?? 'variant'
    refuse(`"${name}" is ${a.spec[name]} in one and ${b.spec[name]} in the other`)
  }
  if (a.labels.join('\n') !== b.labels.join('\n')) refuse('they know different classes')
}
