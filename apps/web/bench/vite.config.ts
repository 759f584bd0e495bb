import { fileURLToPath } from 'node:url'
import { mergeConfig } from 'vite'
import page from '../vite.config.ts'

/** The page of `layerswarm bench hop`, which builds it when it needs it; no part of the page of a swarm. */
export default mergeConfig(page, {
  root: fileURLToPath(new URL('.', import.meta.url)),
  build: { outDir: '../dist/bench' },
})
