import { type IceServer, iceHost, isLoopback } from '@layerswarm/swarm'

/**
 * Which computers other than the peers a tab will speak to, when the host of the swarm or the page's
 * address names any; undefined when there are none.
 */
export function helpersText(
  server: URL | undefined,
  iceServers: readonly IceServer[],
): string | undefined {
  const hostsOf = (scheme: RegExp) => [
    ...new Set(iceServers.filter(({ urls }) => scheme.test(urls)).map(iceHost)),
  ]
  const [stun, turn] = [hostsOf(/^stun/), hostsOf(/^turn/)]
  const lines = [
    ...(server === undefined ? [] : [`This tab joins the swarm of ${server.host}.`]),
    ...(stun.length === 0
      ? []
      : [`To find a way to other peers, this tab asks ${stun.join(' and ')} for its own address.`]),
    ...(turn.length === 0
      ? []
      : [
          `Where no direct way is found, ${turn.join(' or ')} carries what this tab sends, encrypted.`,
        ]),
  ]
  return lines.length === 0 ? undefined : lines.join(' ')
}

/**
 * The address to invite others with: the page, and the swarm's server when that is another.
 * @param folder of the page. @param server undefined for the page's own.
 */
export function shareAddress(folder: URL, server: URL | undefined): string {
  if (server !== undefined) return `${folder.href}?join=${encodeURIComponent(server.href)}`
  return folder.pathname === '/' ? folder.origin : folder.href
}

/** Who can open an address: everybody who reaches the host, or this machine alone. */
export function shareText(address: string): string {
  const url = new URL(address)
  if (isLoopback(url.hostname)) {
    return 'This address works on this computer only: open it in another tab. To invite others, start the server on an address that they can reach.'
  }
  if (url.protocol === 'http:') {
    return 'Others can open this link, but their browsers let a page join over https only: the server speaks it with --https, or behind a proxy.'
  }
  return 'Anybody with this link can join: nothing happens before they press the button.'
}
