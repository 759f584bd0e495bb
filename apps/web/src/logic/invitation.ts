import { keyInLink, withoutKey } from '@layerswarm/swarm'

/** Where a window has its address, its history, and what it keeps for as long as a tab is open. */
export interface KeyPlaces {
  readonly location: Pick<Location, 'href'>
  readonly history: Pick<History, 'replaceState' | 'state'>
  readonly sessionStorage: Pick<Storage, 'getItem' | 'setItem'>
}

/**
 * The key of the private swarm that this tab was invited to, good or bad: that in the fragment of its address,
 * which is taken out of it, so that it is in no bookmark, history, screenshot or copied address; or that of
 * before the page was reloaded. The tab keeps it for as long as it is open.
 */
export function takeKey(places: KeyPlaces, server: URL): string | undefined {
  const { href } = places.location
  const item = `layerswarm key of ${server.href}`
  const given = keyInLink(href)
  if (given !== undefined) places.history.replaceState(places.history.state, '', withoutKey(href))
  try {
    if (given === undefined) return places.sessionStorage.getItem(item) ?? undefined
    places.sessionStorage.setItem(item, given)
  } catch {
    // Storage is forbidden or full: the key is gone with a reload.
  }
  return given
}
