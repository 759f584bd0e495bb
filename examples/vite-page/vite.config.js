/** @type {import('vite').UserConfig} */
export default {
  // The peer brings its workers as modules, and finds them beside its own file.
  worker: { format: 'es' },
  optimizeDeps: { exclude: ['@layerswarm/peer'] },
  build: { target: 'es2023' },
}
