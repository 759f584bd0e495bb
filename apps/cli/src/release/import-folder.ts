import { basename, join, resolve } from 'node:path'
import type { ModelSpec } from '@layerswarm/model'
import { importCheckpoint, layoutOf, writeMadeModel } from '@layerswarm/trainer'
import { CliError } from '../cli-error.ts'
import { exists, readBounded, readJson, requireFolder } from '../files.ts'
import { MODEL_BYTES_MAX } from '../limits.ts'
import { checkMadeFolder } from './merge-folders.ts'

/** Where an imported model goes, and what it is called. */
export interface ImportChoice {
  readonly out: string
  readonly name: string | undefined
  readonly dropDistillation: boolean
}

/** Imports a Hugging Face model into a folder. @throws CliError; ModelError naming what is wrong. */
export async function importFolder(
  folder: string,
  { out, name, dropDistillation }: ImportChoice,
): Promise<{ name: string; spec: ModelSpec; parameters: number; modelHash: string }> {
  await requireFolder(folder)
  await checkMadeFolder(out)
  const config = await readJson(join(folder, 'config.json'))
  const processor = join(folder, 'preprocessor_config.json')
  const files = {
    config,
    checkpoint: await readCheckpoint(folder),
    preprocessor: (await exists(processor)) ? await readJson(processor) : undefined,
  }
  const model = importCheckpoint(files, { dropDistillation })
  const called = name ?? releaseName(basename(resolve(folder)))
  const modelHash = await writeMadeModel(out, {
    ...model,
    name: called,
    seed: 0,
    imagesSeen: 0,
    recipe: { import: basename(resolve(folder)), dropDistillation },
  })
  const { spec } = model
  return { name: called, spec, parameters: layoutOf(spec).elements, modelHash }
}

async function readCheckpoint(folder: string): Promise<Uint8Array> {
  const path = join(folder, 'model.safetensors')
  if (await exists(path)) return readBounded(path, MODEL_BYTES_MAX)
  const others = {
    'model.safetensors.index.json': 'its weights are in several files; save them as one first',
    'pytorch_model.bin': 'its weights are a pickle, which could run code; save them as safetensors',
  }
  for (const [file, reason] of Object.entries(others)) {
    if (await exists(join(folder, file))) {
      throw new CliError({ code: 'bad-file', path: folder }, `${folder}: ${reason}`)
    }
  }
  throw new CliError({ code: 'not-found', path }, `${path} does not exist`)
}

/** A folder's name as a release may be called. */
function releaseName(folder: string): string {
  const name = folder.toLowerCase().replace(/[^a-z0-9._-]+/g, '-')
  return name.replace(/^[^a-z0-9]+/, '').slice(0, 64) || 'imported'
}
