import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'
import { exists } from '../files.ts'
import { modelBelow } from './model-below.ts'
import { refuseUnfinished } from './training-folder.ts'

/**
 * Says what the first of some folders holds, and how it becomes a release, where none of them is one.
 * @throws CliError `not-found`, `bad-file` or `refused`.
 */
export async function refuseUnpublished(folders: readonly string[]): Promise<void> {
  for (const folder of folders) if (await exists(join(folder, 'manifest.json'))) return
  const [first] = folders
  if (first !== undefined) await refuseFolder(first)
}

/**
 * Says what is to be done with what `publish` cannot take.
 * @throws CliError `refused` for a folder of Hugging Face or timm, which `import` takes; `bad-file` for one above a model.
 */
export async function refuseUnimported(folder: string): Promise<void> {
  if (await exists(join(folder, 'config.json'))) {
    throw new CliError(
      { code: 'refused', what: folder },
      `${folder} holds a checkpoint of Hugging Face or timm; first layerswarm import ${folder} --out DIR, then layerswarm publish DIR --out RELEASE_DIR`,
    )
  }
  const below = await modelBelow(folder, ['manifest.json', 'report.json', 'config.json'])
  if (below === undefined) return
  throw new CliError(
    { code: 'bad-file', path: folder },
    `${folder} holds no model itself; one lies in ${below}: name that folder`,
  )
}

async function refuseFolder(folder: string): Promise<never> {
  const release = '--model takes the folder of a release, as layerswarm publish makes it'
  const found = await stat(folder).catch(() => undefined)
  if (found === undefined) {
    throw new CliError({ code: 'not-found', path: folder }, `${folder} does not exist; ${release}`)
  }
  if (!found.isDirectory()) {
    throw new CliError({ code: 'bad-file', path: folder }, `${folder} is not a folder; ${release}`)
  }
  if (await holdsModel(folder)) {
    throw new CliError(
      { code: 'refused', what: folder },
      `${folder} holds a model that is not published; first layerswarm publish ${folder} --out RELEASE_DIR`,
    )
  }
  await refuseUnfinished(folder)
  await refuseUnimported(folder)
  throw new CliError(
    { code: 'bad-file', path: folder },
    `${folder} holds no release (manifest.json); ${release}`,
  )
}

async function holdsModel(folder: string): Promise<boolean> {
  const files = ['model.safetensors', 'report.json']
  const found = await Promise.all(files.map((file) => exists(join(folder, file))))
  return found.every((isThere) => isThere)
}
