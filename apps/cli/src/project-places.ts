import { readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { CliError } from './cli-error.ts'
import { exists } from './files.ts'

const { resolve } = createRequire(import.meta.url)

/** The folder of a package that this one depends on, in the repository and where it is installed. */
function folderOf(name: string): string {
  return dirname(resolve(`${name}/package.json`))
}

const models = folderOf('@layerswarm/models')

/** The page as `npm run build` leaves it, undefined before that. */
export async function pageFolder(): Promise<string | undefined> {
  const page = join(folderOf('@layerswarm/web'), 'dist', 'page')
  return (await exists(join(page, 'index.html'))) ? page : undefined
}

/** The sample pack that comes with the project, undefined when it was removed. */
export async function sampleFolder(): Promise<string | undefined> {
  const samples = join(models, 'samples', 'fashion-mnist-500')
  return (await exists(samples)) ? samples : undefined
}

/**
 * The folders that were named, or else the first release that comes with the project.
 * @throws CliError `not-found` when none was named and none is there.
 */
export async function releaseFolders(named: readonly string[]): Promise<readonly string[]> {
  if (named.length > 0) return named
  const [first] = await knownReleaseFolders()
  if (first !== undefined) return [first]
  throw new CliError(
    { code: 'not-found', path: models },
    `${models} holds no release; name one with --model DIR`,
  )
}

/** The folders of the releases that come with the project, by name. */
export async function knownReleaseFolders(): Promise<readonly string[]> {
  const entries = (await exists(models)) ? await readdir(models) : []
  const folders = entries.toSorted().map((name) => join(models, name))
  const published = await Promise.all(
    folders.map((folder) => exists(join(folder, 'manifest.json'))),
  )
  return folders.filter((_, index) => published[index])
}

/** Where the page of the bench between tabs is written; it is built when that bench runs. */
export function benchPageSource(): string {
  return join(folderOf('@layerswarm/web'), 'bench')
}

/** The recipe whose shape the bench of training measures. */
export function benchRecipe(): string {
  return join(folderOf('@layerswarm/trainer'), 'recipes', 'paper-shuffle.json')
}
