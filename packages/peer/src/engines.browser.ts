/**
 * What only a browser can do, beside everything in `@layerswarm/peer`: engines in the calling thread.
 */
export {
  BROWSER_ENGINE_NAMES,
  type BrowserEngineName,
  createBrowserEngine,
} from './engine/create-engine.browser.ts'
