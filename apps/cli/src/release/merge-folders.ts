import { basename, resolve } from 'node:path'
import { drawMask, mergeParts, sameSpec, writeMadeModel } from '@layerswarm/trainer'
import { CliError, usageError } from '../cli-error.ts'
import { type ModelFolder, readModelFolder } from './release-folder.ts'
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
  await refuseTaken(choice.out)
  const first = await readModelFolder(a)
  const second = await readModelFolder(b)
  checkPair(first, second, 'merged')
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
  const name = choice.name ?? `${first.name}-merged`
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
