import { SERVER_URL_CHARS_MAX, withoutKey } from '@layerswarm/swarm'
import { PeerError } from '../errors.ts'

/**
 * Where a swarm is: the folder below which its server answers, as a URL that ends in a slash. What
 * stands behind the path, the key of a private swarm (`swarmKeyOf`) and the page's own file name included, is left away.
 * @throws PeerError `bad-join-url` unless it is an absolute http or https URL without a user or a password.
 */
export function parseJoinUrl(join: string): URL {
  const url = URL.canParse(join) ? new URL(join) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    // What stands behind # may be the key of a private swarm.
    const named = withoutKey(join).slice(0, SERVER_URL_CHARS_MAX)
    throw new PeerError(
      { code: 'bad-join-url', join: named },
      `"${named}" is not a URL to join; it looks like http://127.0.0.1:9000, as the signaling server prints it`,
    )
  }
  // No browser and no fetch asks at such a one, and whoever is invited by it would read the password.
  if (url.username !== '' || url.password !== '') {
    url.username = ''
    url.password = ''
    url.hash = ''
    throw new PeerError(
      { code: 'bad-join-url', join: url.href },
      `a URL to join has no user or password in it; join ${url.href}`,
    )
  }
  const folder = folderOf(url)
  if (folder.href.length <= SERVER_URL_CHARS_MAX) return folder
  throw new PeerError(
    { code: 'bad-join-url', join: folder.href.slice(0, SERVER_URL_CHARS_MAX) },
    `a URL to join has ${SERVER_URL_CHARS_MAX} characters at most, not ${folder.href.length}`,
  )
}

/** The folder that a page or a server is in, without the page's file name and what stands behind its path. */
export function folderOf({ href }: URL): URL {
  const url = new URL(href)
  url.search = ''
  url.hash = ''
  url.pathname = url.pathname.replace(/\/+(index\.html)?$/, '')
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}

/**
 * The multiaddr of a bootstrap node that takes WebSockets where its HTTP server answers: whatever let
 * the URL through, a proxy or a tunnel, lets the swarm through.
 *
 * `http://host:9000/` gives `/dns4/host/tcp/9000/ws`, `https://host/swarm/`
 * `/dns4/host/tcp/443/tls/ws/http-path/swarm%2Fws`: below a path the address names one below it,
 * because a multiaddr's own path loses the slash at its end, and a proxy's rule for `/swarm/` asks for it.
 * @param join as `parseJoinUrl` gives it.
 */
export function meetingAddress(join: URL, peerId: string): string {
  return `${socketAddress(join)}/p2p/${peerId}`
}

/** The multiaddr of the WebSocket below a folder, without a peer id. */
export function socketAddress(folder: URL): string {
  const isSecure = folder.protocol === 'https:'
  const port = folder.port || (isSecure ? '443' : '80')
  const path = folder.pathname.slice(1)
  // Decoded twice on its way to a URL again.
  const below =
    path === '' ? '' : `/http-path/${encodeURIComponent(`${path}ws`.replaceAll('%', '%25'))}`
  return `/${hostOf(folder)}/tcp/${port}${isSecure ? '/tls' : ''}/ws${below}`
}

/** The beginning of a multiaddr for a URL's host; `URL` has put numeric ones into one form. */
function hostOf({ hostname }: URL): string {
  if (hostname.startsWith('[')) return `ip6/${hostname.slice(1, -1)}`
  return /^\d+(\.\d+){3}$/.test(hostname) ? `ip4/${hostname}` : `dns4/${hostname}`
}

export { pause } from '../deadline.ts'
export { type JoinRetry, joinRetry } from './join-retry.ts'
