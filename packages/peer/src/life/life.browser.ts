import { LIFE_LOOK_MS, LIFE_SLEEP_MS } from '../limits.ts'
import type { LifeEvent, WatchLife } from './life.ts'

/** A tab: its page's lifecycle, its network, and the sleep of its machine. */
export const watchLife: WatchLife = (listener) => {
  const stopped = new AbortController()
  const { signal } = stopped
  const tell = (event: LifeEvent) => () => listener(event)
  document.addEventListener('freeze', tell('frozen'), { signal })
  document.addEventListener('resume', tell('woken'), { signal })
  document.addEventListener(
    'visibilitychange',
    () => listener(document.visibilityState === 'hidden' ? 'hidden' : 'shown'),
    { signal },
  )
  addEventListener('pagehide', tell('vanished'), { signal })
  addEventListener(
    'pageshow',
    (event: PageTransitionEvent) => {
      if (event.persisted) listener('woken')
    },
    { signal },
  )
  addEventListener('offline', tell('went-offline'), { signal })
  addEventListener('online', tell('went-online'), { signal })
  let lookedAtMs = Date.now()
  const timer = setInterval(() => {
    const nowMs = Date.now()
    if (nowMs - lookedAtMs > LIFE_SLEEP_MS) listener('woken')
    lookedAtMs = nowMs
  }, LIFE_LOOK_MS)
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  // A tab may be opened in the background, or without a network to its own machine's server.
  if (document.visibilityState === 'hidden') listener('hidden')
  return () => stopped.abort()
}
