import { fileURLToPath } from 'node:url'
import { defaultClientConditions, defineConfig, type Plugin } from 'vite'

/** Lists the runtimes' WebAssembly with their sizes, so that the page can show how much is fetched. */
function runtimeList(): Plugin {
  return {
    name: 'runtime-list',
    apply: 'build',
    generateBundle(_options, bundle) {
      const runtimes = Object.values(bundle).flatMap((file) => {
        const name = /^assets\/(.+)-[\w-]{8}\.wasm$/.exec(file.fileName)?.[1]
        if (file.type !== 'asset' || name === undefined) return []
        return [{ name, path: file.fileName, bytes: file.source.length }]
      })
      this.emitFile({ type: 'asset', fileName: 'runtimes.json', source: JSON.stringify(runtimes) })
    },
  }
}

export default defineConfig({
  // Every address of the page is relative: it works in any folder of any server.
  base: './',
  root: fileURLToPath(new URL('.', import.meta.url)),
  resolve: { conditions: ['source', ...defaultClientConditions] },
  worker: { format: 'es' },
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  plugins: [runtimeList()],
  build: {
    target: 'es2023',
    // tsc writes its declarations to dist; the page has a folder of its own in it.
    outDir: 'dist/page',
    emptyOutDir: true,
    // Nothing as data: URL, so that the server's content security policy stays strict.
    assetsInlineLimit: 0,
    // libp2p with WebRTC in one chunk, fetched on joining.
    chunkSizeWarningLimit: 1_200,
  },
})
