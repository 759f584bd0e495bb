import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CliError } from './cli-error.ts'
import { exists } from './files.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const models = join(root, 'models')

/** The page as `npm run build` leaves it, undefined before that. */
export async function pageFolder(): Promise<string | undefined> {
  const page = join(root, 'apps', 'web', 'dist', 'page')
  return (await exists(join(page, 'index.html'))) ? page : undefined
}

/** The sample pack that comes with the project, undefined when it was removed. */
export async function sampleFolder(): Promise<string | undefined> {
  const samples = join(models, 'samples', 'fashion-mnist-500')
  return (await exists(samples)) ? samples : undefined
}

/** The folders that were named, or else the first release that comes with the project. */
export async function releaseFolders(named: readonly string[]): Promise<readonly string[]> {
  if (named.length > 0) return named
  const entries = (await exists(models)) ? await readdir(models) : []
  for (const name of entries.toSorted()) {
    const folder = join(models, name)
    if (await exists(join(folder, 'manifest.json'))) return [folder]
  }
  throw new CliError(
    { code: 'not-found', path: models },
    `${models} holds no release; name one with --model DIR`,
  )
}

/** Where the page of the bench between tabs is written; it is built when that bench runs. */
export function benchPageSource(): string {
  return join(root, 'apps', 'web', 'bench')
}
