import {
  isSha256,
  MANIFEST_BYTES_MAX,
  type Manifest,
  parseManifest,
  releaseId,
} from '@layerswarm/model'
import {
  BOOTSTRAP_NODES_MAX,
  ICE_SERVERS_MAX,
  type IceServer,
  parseIceServer,
} from '@layerswarm/swarm'
import { BOOTSTRAP_BYTES_MAX, INVITE_CHARS_MAX, SAMPLES_BYTES_MAX } from './limits.ts'

/** What the swarm's server says before anybody joins. */
export interface Offer {
  /** The model of the release that it offers first. */
  readonly manifest: Manifest
  /** Where others can join; undefined when the page's own address will do. */
  readonly invite: string | undefined
  /** STUN and TURN servers that a tab will use once it joins. */
  readonly iceServers: readonly IceServer[]
  /** URLs of the other servers of the swarm: a tab joins by one of those when its own is away by then. */
  readonly others: readonly string[]
}

/**
 * Asks the swarm's server what it offers: enough to describe the model before joining. The peer checks
 * publisher and signature itself when it joins; here only the hash is checked.
 * @param server the folder below which it answers.
 * @throws Error or ModelError with one line for people.
 */
export async function fetchOffer(server: URL): Promise<Offer> {
  const bootstrap = await fetchDocument(server, 'bootstrap.json', BOOTSTRAP_BYTES_MAX)
  const id = firstReleaseId(bootstrap)
  const manifest = parseManifest(
    await fetchBytes(server, `releases/${id}/manifest.json`, MANIFEST_BYTES_MAX),
  )
  if (releaseId(manifest) !== id)
    throw new Error('The server offers a model description that is not the one it names.')
  return {
    manifest,
    invite: parseInvite(fieldOf(bootstrap, 'invite')),
    iceServers: parseIceServers(fieldOf(bootstrap, 'iceServers')),
    others: parseOthers(fieldOf(bootstrap, 'others')),
  }
}

/** The two idx files of sample images and their labels. @throws Error with one line for people. */
export async function fetchSampleFiles(
  server: URL,
  first?: number,
): Promise<[Uint8Array, Uint8Array]> {
  // Whoever knows no `first` sends all of them.
  const some = first === undefined ? '' : `?first=${first}`
  return Promise.all([
    fetchBytes(server, `samples/images.idx3-ubyte${some}`, SAMPLES_BYTES_MAX),
    fetchBytes(server, 'samples/labels.idx1-ubyte', SAMPLES_BYTES_MAX),
  ])
}

function parseInvite(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > INVITE_CHARS_MAX) return undefined
  return /^https?:\/\//.test(value) && URL.canParse(value) ? value : undefined
}

/** Only to be named: the peer refuses a list with a mistake in it when it joins. */
function parseIceServers(value: unknown): IceServer[] {
  const list: unknown[] = Array.isArray(value) ? value.slice(0, ICE_SERVERS_MAX) : []
  return list.map(parseIceServer).filter((server) => server !== undefined)
}

/** Only those that can be joined: the peer refuses a list with a mistake in it when it reads it. */
function parseOthers(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value.slice(0, BOOTSTRAP_NODES_MAX - 1) : []
  return list
    .filter((one) => typeof one === 'string')
    .filter((one) => /^https?:\/\//.test(one) && URL.canParse(one))
}

function firstReleaseId(bootstrap: unknown): string {
  const releases = fieldOf(bootstrap, 'releases')
  const id = Array.isArray(releases) ? fieldOf(releases[0], 'id') : undefined
  if (!isSha256(id)) throw new Error('The server offers no model yet; try again in a moment.')
  return id
}

/** A JSON document of the server. @throws Error with one line for people. */
export async function fetchDocument(server: URL, path: string, bytesMax: number): Promise<unknown> {
  const bytes = await fetchBytes(server, path, bytesMax)
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw new Error(`The server does not speak Layerswarm: its ${path} is not JSON.`)
  }
}

/** A field of whatever was parsed; undefined where there is none. */
export function fieldOf(value: unknown, field: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return new Map<string, unknown>(Object.entries(value)).get(field)
}

async function fetchBytes(server: URL, path: string, bytesMax: number): Promise<Uint8Array> {
  const response = await fetch(new URL(path, server)).catch(() => {
    throw new Error(`The server at ${server.href} does not answer; is it running?`)
  })
  if (!response.ok) throw new Error(`The server answers ${response.status} for ${path}.`)
  if (Number(response.headers.get('content-length') ?? 0) > bytesMax)
    throw new Error(`${path} is larger than this page reads.`)
  const bytes = new Uint8Array(await response.arrayBuffer())
  if (bytes.length > bytesMax) throw new Error(`${path} is larger than this page reads.`)
  return bytes
}
