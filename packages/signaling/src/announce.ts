import { ADDRESS_CHARS_MAX, SERVER_URL_CHARS_MAX } from '@layerswarm/swarm'
import { multiaddr } from '@multiformats/multiaddr'
import { reasonOf, SignalingError } from './errors.ts'
import { ANNOUNCED_MAX, PEER_ID_CHARS_MAX } from './limits.ts'

/** What a server tells others of where it is. */
export interface Announced {
  /** For people, without a slash at the end. */
  readonly urls: readonly string[]
  /** Multiaddrs for peers, without a peer id. */
  readonly addresses: readonly string[]
}

/**
 * Sorts what a host announces: the URLs at which people join, and multiaddrs for peers, each once.
 * @throws SignalingError `bad-option` for anything else, for what peers would not take, and for too many.
 */
export function readAnnounced(given: readonly string[]): Announced {
  const urls = new Set<string>()
  const addresses = new Set<string>()
  for (const text of given) {
    if (/^https?:/i.test(text)) urls.add(readUrl(text))
    else addresses.add(readAddress(text))
  }
  if (urls.size + addresses.size <= ANNOUNCED_MAX)
    return { urls: [...urls], addresses: [...addresses] }
  throw bad(
    `${urls.size + addresses.size} addresses to announce are too many; ${ANNOUNCED_MAX} at most`,
  )
}

/** A folder as it is copied from a browser: without what stands behind its path. */
function readUrl(text: string): string {
  if (!URL.canParse(text)) throw cannot(text, 'it is no URL')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '')
    throw bad('cannot announce a URL with a user or a password in it: everybody is told it')
  url.search = ''
  url.hash = ''
  url.pathname = url.pathname.replace(/\/+(index\.html)?$/, '')
  if (url.href.length > SERVER_URL_CHARS_MAX) throw cannot(text, 'it is too long')
  return url.href.replace(/\/$/, '')
}

function readAddress(text: string): string {
  let address: string
  let names: string[]
  try {
    const parsed = multiaddr(text)
    address = parsed.toString()
    names = parsed.getComponents().map(({ name }) => name)
  } catch (error) {
    throw cannot(text, reasonOf(error))
  }
  if (text === '' || names.length === 0) throw cannot(text, 'it is empty')
  if (names.includes('p2p')) throw cannot(text, 'the peer id is added to it')
  // Peers refuse the whole of bootstrap.json for one that is longer.
  if (address.length > ADDRESS_CHARS_MAX - PEER_ID_CHARS_MAX) throw cannot(text, 'it is too long')
  return address
}

function cannot(text: string, reason: string): SignalingError {
  return bad(
    `cannot announce ${text.slice(0, ADDRESS_CHARS_MAX)} (${reason}); a multiaddr looks like /dns4/swarm.example/tcp/9002, a URL like https://swarm.example/`,
  )
}

function bad(message: string): SignalingError {
  return new SignalingError({ code: 'bad-option', option: 'announce' }, message)
}
