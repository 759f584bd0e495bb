/**
 * Keeps the page, its scripts and its samples for when the server is away. Without a secure context
 * or in a private window there is no service worker, and the page needs its server.
 */
export async function keepShell(): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  try {
    await navigator.serviceWorker.register('sw.js')
  } catch {
    // A convenience: the page works without it.
  }
}
