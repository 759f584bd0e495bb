import { fetchFault } from '@layerswarm/model'
import { PROTOCOL_VERSION, SERVER_URL_CHARS_MAX } from '@layerswarm/swarm'
import { PEERING_DOCUMENT_BYTES_MAX, PEERING_FETCH_MS_MAX } from '../limits.ts'
import { within } from '../within.ts'

/** What another server says of itself, as far as it matters here. */
export interface OtherServer {
  readonly peerId: string
  /** Ids of the releases that it offers. */
  readonly releases: readonly string[]
  /** Which private swarm it is of; undefined for one that is open to all. */
  readonly swarm: string | undefined
}

/**
 * Reads another server's /bootstrap.json.
 * @param url the folder below which it answers.
 * @throws Error with one line that says what is wrong.
 */
export async function readServer(url: URL, signal: AbortSignal): Promise<OtherServer> {
  const text = await readText(new URL('bootstrap.json', url), signal)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error('its bootstrap.json is not JSON; is it a signaling server?')
  }
  const { protocol, peerId, releases, swarm } = fieldsOf(value)
  if (typeof protocol !== 'number')
    throw new Error('its bootstrap.json is of another kind; is it a signaling server?')
  if (protocol !== PROTOCOL_VERSION) {
    throw new Error(
      `it speaks protocol ${protocol} and this server ${PROTOCOL_VERSION}; update the older one`,
    )
  }
  if (typeof peerId !== 'string' || !PEER_ID.test(peerId) || !Array.isArray(releases))
    throw new Error('its bootstrap.json names no peer id or no releases')
  const ids = releases.map((release) => fieldsOf(release).id)
  return {
    peerId,
    releases: ids.filter((id) => typeof id === 'string'),
    swarm: typeof swarm === 'string' ? swarm : undefined,
  }
}

/** Base58, as libp2p writes them. */
const PEER_ID = /^[1-9A-HJ-NP-Za-km-z]{20,64}$/

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function readText(url: URL, signal: AbortSignal): Promise<string> {
  return within(PEERING_FETCH_MS_MAX, signal, (bounded) => fetchText(url, signal, bounded))
}

/** @param bounded aborted with `signal`, or when it takes too long. */
async function fetchText(url: URL, signal: AbortSignal, bounded: AbortSignal): Promise<string> {
  const unreadable = (error: unknown): never => {
    const isLate = bounded.aborted && !signal.aborted
    const late = `nothing whole within ${PEERING_FETCH_MS_MAX / 1000} s`
    throw new Error(`it does not answer (${isLate ? late : fetchFault(error)})`)
  }
  // Not followed: only what the host has named is asked.
  const response = await fetch(url, { signal: bounded, redirect: 'manual' }).catch(unreadable)
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel()
    throw new Error(`it sends on to ${placeOf(response, url)}; name that address`)
  }
  if (!response.ok) {
    await response.body?.cancel()
    throw new Error(`it answers ${response.status} for bootstrap.json`)
  }
  return readBody(response).catch((error: unknown) => {
    if (error instanceof TooLong) throw error
    return unreadable(error)
  })
}

class TooLong extends Error {}

async function readBody({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > PEERING_DOCUMENT_BYTES_MAX)
      throw new TooLong(`its bootstrap.json is longer than ${PEERING_DOCUMENT_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Where a redirection leads, as far as it can be named in a line. */
function placeOf({ headers }: Response, url: URL): string {
  const place = headers.get('location') ?? ''
  if (!URL.canParse(place, url)) return 'nowhere'
  return new URL('.', new URL(place, url)).href.slice(0, SERVER_URL_CHARS_MAX)
}
