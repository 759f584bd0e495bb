import { ADDRESS_CHARS_MAX } from '@layerswarm/swarm'
import { multiaddr } from '@multiformats/multiaddr'
import { PeerError } from '../errors.ts'
import { PEER_ID_CHARS_MAX, WEB_PORTS, WELL_KNOWN_PORT_MAX } from '../limits.ts'
import { folderOf, socketAddress } from './join-url.ts'

/**
 * The multiaddr that a peer tells others, without its peer id, for what its owner writes: a multiaddr of
 * TCP or WebSocket, or the URL of a proxy that passes WebSockets on.
 * @throws PeerError `bad-options` for anything else.
 */
export function announcedAddress(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') {
    if (url.username !== '' || url.password !== '')
      throw badAnnounce(`${url.protocol}//…@${url.host}${url.pathname}`, 'a user or a password')
    if (url.port !== '') checkPort(given, Number(url.port))
    return bounded(socketAddress(folderOf(url)), given)
  }
  let names: string[]
  let port: number
  try {
    const parts = multiaddr(given).getComponents()
    names = parts.map(({ name }) => name)
    port = Number(parts[1]?.value)
  } catch (error) {
    throw badAnnounce(given, error instanceof Error ? error.message : String(error))
  }
  if (names[1] !== 'tcp') throw badAnnounce(given, 'no TCP port of a host')
  checkPort(given, port)
  if (names.includes('p2p')) throw badAnnounce(given, 'its peer id is added to it')
  return bounded(multiaddr(given).toString(), given)
}

/** Others dial no port of another service. */
function checkPort(given: string, port: number): void {
  if (port > WELL_KNOWN_PORT_MAX || WEB_PORTS.includes(port)) return
  throw badAnnounce(given, `nobody dials a port below ${WELL_KNOWN_PORT_MAX + 1} but 80 and 443`)
}

/** Others take no longer ones. */
function bounded(address: string, given: string): string {
  if (address.length <= ADDRESS_CHARS_MAX - PEER_ID_CHARS_MAX) return address
  throw badAnnounce(given, 'too long')
}

function badAnnounce(given: string, reason: string): PeerError {
  return new PeerError(
    { code: 'bad-options', field: 'announce' },
    `cannot announce ${given.slice(0, ADDRESS_CHARS_MAX)} (${reason}); a multiaddr looks like /dns4/volunteer.example/tcp/9002/ws, a URL like https://volunteer.example/`,
  )
}
