import { join } from 'node:path'
import { exists } from '../files.ts'
import { benchPageSource } from '../project-places.ts'

/** Builds the page that the two tabs open. @returns its folder, or one line that says what is missing. */
export async function buildBenchPage(): Promise<{ folder: string } | string> {
  const source = benchPageSource()
  if (!(await exists(source))) {
    return 'the page of this bench comes with the repository alone, not with the package'
  }
  const vite = await import('vite').catch(() => undefined)
  if (vite === undefined) {
    return 'vite, a development dependency, is not installed: run `npm install`'
  }
  const { config } =
    (await vite.loadConfigFromFile(
      { command: 'build', mode: 'production' },
      join(source, 'vite.config.ts'),
    )) ?? {}
  await vite.build({ ...config, configFile: false, logLevel: 'silent' })
  return { folder: join(source, '../dist/bench') }
}
