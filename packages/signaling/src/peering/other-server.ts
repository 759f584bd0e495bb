import { PROTOCOL_VERSION } from '@layerswarm/swarm'
import { systemCode } from '../errors.ts'
import { PEERING_DOCUMENT_BYTES_MAX, PEERING_FETCH_MS_MAX } from '../limits.ts'

/** What another server says of itself, as far as it matters here. */
export interface OtherServer {
  readonly peerId: string
  /** Ids of the releases that it offers. */
  readonly releases: readonly string[]
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
  const { protocol, peerId, releases } = fieldsOf(value)
  if (protocol !== PROTOCOL_VERSION) {
    throw new Error(
      `it speaks protocol ${String(protocol).slice(0, 20)} and this server ${PROTOCOL_VERSION}; update the older one`,
    )
  }
  if (typeof peerId !== 'string' || !PEER_ID.test(peerId) || !Array.isArray(releases))
    throw new Error('its bootstrap.json names no peer id or no releases')
  const ids = releases.map((release) => fieldsOf(release).id)
  return { peerId, releases: ids.filter((id) => typeof id === 'string') }
}

/** Base58, as libp2p writes them. */
const PEER_ID = /^[1-9A-HJ-NP-Za-km-z]{20,64}$/

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

async function readText(url: URL, signal: AbortSignal): Promise<string> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(PEERING_FETCH_MS_MAX)])
  const response = await fetch(url, { signal: bounded }).catch((error: unknown) => {
    throw new Error(`it does not answer (${causeOf(error)})`)
  })
  if (!response.ok) {
    await response.body?.cancel()
    throw new Error(`it answers ${response.status} for bootstrap.json`)
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > PEERING_DOCUMENT_BYTES_MAX)
      throw new Error(`its bootstrap.json is longer than ${PEERING_DOCUMENT_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Node's fetch hides the reason in the cause of "fetch failed". */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (!(cause instanceof Error)) return error.message
  return cause.message || (systemCode(cause) ?? error.message)
}
