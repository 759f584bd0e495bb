import { fileURLToPath } from 'node:url'
import { defaultClientConditions, defineConfig } from 'vite'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  resolve: { conditions: ['source', ...defaultClientConditions] },
  worker: { format: 'es' },
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  build: {
    target: 'es2023',
    // tsc writes its declarations to dist; the page has a folder of its own in it.
    outDir: 'dist/page',
    emptyOutDir: true,
    // Nothing as data: URL, so that the server's content security policy stays strict.
    assetsInlineLimit: 0,
    // libp2p with WebRTC in one chunk: the page needs all of it to join.
    chunkSizeWarningLimit: 1_200,
  },
})
