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
  const { hostname, protocol } = new URL(address)
  if (/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) {
    return 'This address works on this computer only: open it in another tab. To invite others, start the server on an address that they can reach.'
  }
  if (protocol === 'http:') {
    return 'Others can open this link. Over plain http their browsers withhold graphics cards and storage; https gives them both.'
  }
  return 'Anybody with this link can join: nothing happens before they press the button.'
}
