// Serves the page from the cache when its server is away. Newest first for the page itself; files
// whose address holds a hash never change and come from the cache. The runtimes' WebAssembly is left
// to the browser's own cache: without a server there is no swarm to compute for.
const CACHE = 'layerswarm-shell-1'
const NAMED_BY_HASH = /^(assets\/[\w.-]+\.(js|css)|parts\/\w+|releases\/\w+\/manifest\.json)$/
const KEPT = /^(samples\/[\w.-]+|[\w-]+\.svg|manifest\.webmanifest|runtimes\.json|)$/
/** What the first visit has fetched before this worker could keep it. */
const SHELL = [
  '',
  'favicon.svg',
  'manifest.webmanifest',
  'samples/images.idx3-ubyte?first=24',
  'samples/labels.idx1-ubyte',
]
/** Of the page, as a path: what is served is named from here. */
const FOLDER = new URL('.', location.href).pathname
/** Old builds and releases make room for new ones. */
const ENTRIES_MAX = 96

addEventListener('install', (event) => {
  skipWaiting()
  event.waitUntil(keepShell())
})
addEventListener('activate', (event) => event.waitUntil(clients.claim()))
addEventListener('fetch', (event) => {
  const { request } = event
  const { origin, pathname } = new URL(request.url)
  if (request.method !== 'GET' || origin !== location.origin) return
  if (!pathname.startsWith(FOLDER)) return
  const name = pathname.slice(FOLDER.length)
  if (NAMED_BY_HASH.test(name)) event.respondWith(cachedFirst(event, request.url))
  else if (KEPT.test(name)) event.respondWith(newestFirst(event, pathname))
})

/** The page with its scripts and styles, and the samples; what cannot be had is kept on the next visit. */
async function keepShell() {
  const get = async (name) => {
    const response = await fetch(FOLDER + name)
    // As `fetch` events name them: files that never change by their address, the others by their path.
    const key = NAMED_BY_HASH.test(name) ? response.url : FOLDER + name.replace(/\?.*/, '')
    if (response.status === 200) await keep(key, response.clone())
    return response
  }
  try {
    const [page] = await Promise.all(SHELL.map(get))
    const names = (await page.text()).matchAll(/(?:src|href)="\.\/(assets\/[\w.-]+)"/g)
    await Promise.all([...names].map(([, name]) => get(name)))
  } catch {
    // Without a network there is nothing to keep.
  }
}

async function cachedFirst(event, key) {
  const cache = await caches.open(CACHE)
  return (await cache.match(key)) ?? fetchAndKeep(event, key)
}

async function newestFirst(event, key) {
  try {
    return await fetchAndKeep(event, key)
  } catch (error) {
    const cache = await caches.open(CACHE)
    const known = await cache.match(key)
    if (known !== undefined) return known
    throw error
  }
}

/** The answer goes to the page at once; keeping it takes its own time. */
async function fetchAndKeep(event, key) {
  const response = await fetch(event.request)
  if (response.status === 200) event.waitUntil(keep(key, response.clone()))
  return response
}

async function keep(key, response) {
  try {
    const cache = await caches.open(CACHE)
    await cache.put(key, response)
    const keys = await cache.keys()
    for (const old of keys.slice(0, Math.max(0, keys.length - ENTRIES_MAX))) await cache.delete(old)
  } catch {
    // No room: the answer itself is what matters.
  }
}
