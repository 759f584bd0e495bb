import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSignaling } from '@layerswarm/signaling'
import { build, loadConfigFromFile } from 'vite'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A swarm's server whose page is that of the benches: a peer and engines that a script can drive. */
export interface BenchSite {
  readonly url: string
  stop(): Promise<void>
}

export async function startBenchSite(): Promise<BenchSite> {
  const folder = await mkdtemp(join(tmpdir(), 'layerswarm-bench-page-'))
  await buildPage(folder)
  const signaling = createSignaling({
    modelDirs: [join(root, 'models', 'fashion-vit')],
    pageDir: folder,
    host: '127.0.0.1',
    port: 0,
  })
  const { url } = await signaling.start()
  return {
    url,
    async stop() {
      await signaling.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function buildPage(outDir: string): Promise<void> {
  const loaded = await loadConfigFromFile(
    { command: 'build', mode: 'production' },
    join(root, 'apps', 'web', 'bench', 'vite.config.ts'),
  )
  const config = loaded?.config ?? {}
  await build({
    ...config,
    configFile: false,
    logLevel: 'silent',
    build: { ...config.build, outDir },
  })
}
