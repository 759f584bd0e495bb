import {
  isReleaseName,
  isSha256,
  MANIFEST_BYTES_MAX,
  type Manifest,
  ModelError,
  parseManifest,
  releaseId,
  type Sha256,
  verifyManifest,
} from '@layerswarm/model'
import {
  ADDRESS_CHARS_MAX,
  BOOTSTRAP_NODES_MAX,
  ICE_SERVERS_MAX,
  type IceServer,
  isLoopback,
  LANES_MAX,
  type LaneCount,
  PROTOCOL_VERSION,
  parseIceServer,
  parseLaneCount,
} from '@layerswarm/swarm'
import { within } from './deadline.ts'
import { PeerError } from './errors.ts'
import {
  BOOTSTRAP_ADDRESSES_MAX,
  BOOTSTRAP_BYTES_MAX,
  BOOTSTRAP_RELEASES_MAX,
  FETCH_TIMEOUT_MS,
} from './limits.ts'
import { meetingAddress, parseJoinUrl } from './meeting/join-url.ts'
import { download, downloadHere } from './store/http.ts'

/** A release as a signaling server names it. */
export interface OfferedRelease {
  readonly id: Sha256
  readonly name: string
  /** Ed25519 public key, hex. */
  readonly publisher: string
  /** The lanes in which somebody is; undefined when the server does not say. */
  readonly lanes: readonly LaneCount[] | undefined
}

/** What a newcomer learns from a signaling server. */
export interface Bootstrap {
  /** Multiaddrs of bootstrap nodes, each ending in /p2p/<peer id>; the way to this server comes first. */
  readonly addresses: readonly string[]
  /** STUN and TURN servers that the swarm's host wants its peers to use. */
  readonly iceServers: readonly IceServer[]
  /** Folders below which other servers of the swarm answer. */
  readonly others: readonly URL[]
  readonly releases: readonly OfferedRelease[]
  /** Which private swarm it is (`swarmId`); undefined for one that is open to all. */
  readonly swarm: Sha256 | undefined
  /** Whether it lets in only peers that its host has listed. */
  readonly hasAllowList: boolean
}

/**
 * Reads what a server says of its swarm.
 * @param join as `parseJoinUrl` gives it.
 * @throws PeerError `unreachable` or `bad-bootstrap`.
 */
export async function fetchBootstrap(join: URL, signal?: AbortSignal): Promise<Bootstrap> {
  const url = new URL('bootstrap.json', join)
  // Not from where it sends on to: WebSockets are taken where the URL says, and nobody is sent elsewhere.
  const bytes = await within(FETCH_TIMEOUT_MS, signal, (bounded) =>
    inTime(url, bounded, signal, downloadHere(url, BOOTSTRAP_BYTES_MAX, bounded)),
  )
  if (bytes === undefined) fail('', `${url.href} does not exist; is this a signaling server?`)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    fail('', `${url.href} is not JSON; is this a signaling server?`)
  }
  return parseBootstrap(value, join)
}

/** Says which server it is that does not answer in time. @throws PeerError `unreachable`, or what `work` throws. */
function inTime<T>(
  url: URL,
  bounded: AbortSignal,
  signal: AbortSignal | undefined,
  work: Promise<T>,
): Promise<T> {
  return work.catch((error: unknown) => {
    if (!bounded.aborted || signal?.aborted) throw error
    const late = `${url.href}: nothing whole came within ${FETCH_TIMEOUT_MS / 1000} s`
    throw new PeerError({ code: 'unreachable', url: url.href }, late, { cause: error })
  })
}

function fail(field: string, message: string): never {
  throw new PeerError({ code: 'bad-bootstrap', field }, message)
}

/**
 * Parses bootstrap.json.
 * @param join the URL below which it was read: the server takes WebSockets there.
 * @throws PeerError `bad-bootstrap` naming the first wrong field.
 */
export function parseBootstrap(value: unknown, join: URL): Bootstrap {
  const source = recordOf(value)
  if (typeof source.protocol !== 'number')
    fail('protocol', `${join.href}bootstrap.json is of another kind; is this a signaling server?`)
  if (source.protocol !== PROTOCOL_VERSION) {
    fail(
      'protocol',
      `the server speaks protocol ${source.protocol} and this peer ${PROTOCOL_VERSION}; update the older one`,
    )
  }
  const announced = listOf('addresses', source.addresses, BOOTSTRAP_ADDRESSES_MAX)
    .map(parseAddress)
    .filter((address) => isElsewhere(hostIn(address), join))
  const addresses = [...new Set([...wayTo(source.peerId, join), ...announced])]
  const releases = listOf('releases', source.releases, BOOTSTRAP_RELEASES_MAX).map(parseRelease)
  if (addresses.length === 0)
    fail('addresses', 'bootstrap.json: the server names no address to connect to')
  return {
    addresses,
    iceServers: parseIceServers(source.iceServers),
    others: parseOthers(source.others, join),
    releases,
    swarm: parseSwarmId(source.swarm),
    hasAllowList: source.allowList === true,
  }
}

/** A server that names none is open to all. */
function parseSwarmId(value: unknown): Sha256 | undefined {
  if (value === undefined || isSha256(value)) return value
  return fail('swarm', 'bootstrap.json: "swarm" must be 64 lower-case hex digits')
}

/** Of a server elsewhere, nobody is sent to services of his own machine: what it means there is not this. */
function isElsewhere(host: string, join: URL): boolean {
  return !isLoopback(host) || isLoopback(join.hostname)
}

function hostIn(address: string): string {
  return address.split('/')[2] ?? ''
}

/** A server that names none is the only one. */
function parseOthers(value: unknown, join: URL): URL[] {
  if (value === undefined) return []
  const others = listOf('others', value, BOOTSTRAP_NODES_MAX - 1).map((one, index) => {
    const folder = folderNamed(one)
    if (folder !== undefined) return folder
    return fail(
      `others.${index}`,
      `bootstrap.json: "others.${index}" must be the http or https URL of a server`,
    )
  })
  return others.filter(({ hostname }) => isElsewhere(hostname, join))
}

/** A folder as one may join it; undefined for what is none, as for a URL that grows too long when it is written out. */
function folderNamed(one: unknown): URL | undefined {
  if (typeof one !== 'string' || !/^https?:\/\/[^@]*$/.test(one)) return undefined
  try {
    return parseJoinUrl(one)
  } catch (error) {
    if (error instanceof PeerError) return undefined
    throw error
  }
}

/** A server that names none leaves its peers without. */
function parseIceServers(value: unknown): IceServer[] {
  if (value === undefined) return []
  return listOf('iceServers', value, ICE_SERVERS_MAX).map((one, index) => {
    const server = parseIceServer(one)
    if (server !== undefined) return server
    return fail(
      `iceServers.${index}`,
      `bootstrap.json: "iceServers.${index}" must be a STUN server, or a TURN server with its user and credential`,
    )
  })
}

/** Where the server itself is met; a server from before there was one port names addresses only. */
function wayTo(peerId: unknown, join: URL): string[] {
  if (peerId === undefined) return []
  if (typeof peerId !== 'string' || !PEER_ID.test(peerId))
    fail('peerId', 'bootstrap.json: "peerId" must be a peer id')
  return [meetingAddress(join, peerId)]
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function listOf(field: string, value: unknown, max: number): unknown[] {
  if (!Array.isArray(value) || value.length > max) {
    fail(field, `bootstrap.json: "${field}" must be a list of at most ${max}`)
  }
  return value
}

/** Base58, as libp2p writes them. */
const PEER_ID = /^[1-9A-HJ-NP-Za-km-z]{20,64}$/
const ADDRESS = /^\/[\x21-\x7e]+\/p2p\/[1-9A-HJ-NP-Za-km-z]{20,64}$/

function parseAddress(value: unknown, index: number): string {
  if (typeof value !== 'string' || value.length > ADDRESS_CHARS_MAX || !ADDRESS.test(value)) {
    fail(
      `addresses.${index}`,
      `bootstrap.json: "addresses.${index}" must be a multiaddr that ends in /p2p/<peer id>`,
    )
  }
  return value
}

function parseRelease(value: unknown, index: number): OfferedRelease {
  const { id, name, publisher, lanes } = recordOf(value)
  const field = `releases.${index}`
  if (!isSha256(id)) fail(field, `bootstrap.json: "${field}.id" must be 64 lower-case hex digits`)
  if (!isReleaseName(name))
    fail(field, `bootstrap.json: "${field}.name" must be a name as manifests have one`)
  // A public key looks like a digest: 64 hex digits.
  if (!isSha256(publisher))
    fail(field, `bootstrap.json: "${field}.publisher" must be 64 lower-case hex digits`)
  return { id, name, publisher, lanes: lanes === undefined ? undefined : parseLanes(lanes, field) }
}

function parseLanes(value: unknown, release: string): LaneCount[] {
  const field = `${release}.lanes`
  const counted = new Set<number>()
  return listOf(field, value, LANES_MAX).map((one, index) => {
    const place = `${field}.${index}`
    const count = parseLaneCount(one)
    if (count === undefined)
      fail(place, `bootstrap.json: "${place}" must say lane, providers, askers and lacking`)
    if (counted.has(count.lane))
      fail(place, `bootstrap.json: "${place}" must count another lane than those before it`)
    counted.add(count.lane)
    return count
  })
}

/**
 * The release to join: the wanted one by id or name, or the first.
 * @throws PeerError `no-release` when the server does not offer it.
 */
export function chooseRelease({ releases }: Bootstrap, wanted: string | undefined): OfferedRelease {
  const chosen =
    wanted === undefined
      ? releases[0]
      : releases.find(({ id, name }) => id === wanted || name === wanted)
  if (chosen !== undefined) return chosen
  const offered = releases.map(({ name }) => name)
  const advice =
    offered.length > 0 ? `it offers ${offered.join(', ')}` : 'it offers none; publish one to it'
  throw new PeerError(
    { code: 'no-release', wanted, offered },
    wanted === undefined
      ? `the signaling server has no release to join: ${advice}`
      : `the signaling server has no release "${wanted}": ${advice}`,
  )
}

/**
 * Fetches a release's manifest and checks its hash, its publisher and its signature.
 * @param trusted public keys that may sign; undefined trusts the publisher that the server names.
 * @throws PeerError `unreachable`, `bad-manifest` or `untrusted-publisher`.
 */
export async function fetchManifest(
  join: URL,
  release: OfferedRelease,
  trusted: readonly string[] | undefined,
  signal?: AbortSignal,
): Promise<Manifest> {
  const url = new URL(`releases/${release.id}/manifest.json`, join)
  const bytes = await within(FETCH_TIMEOUT_MS, signal, (bounded) =>
    inTime(url, bounded, signal, download(url, MANIFEST_BYTES_MAX, bounded)),
  )
  const refuse = (reason: string, cause?: unknown): never => {
    const fault = { code: 'bad-manifest', release: release.id } as const
    throw new PeerError(fault, `release ${release.name}: ${reason}`, { cause })
  }
  if (bytes === undefined) return refuse('the server names it but does not have its manifest')
  try {
    const manifest = parseManifest(bytes)
    verifyManifest(manifest)
    if (releaseId(manifest) !== release.id)
      return refuse('its manifest has another hash than its name')
    if (!(trusted ?? [release.publisher]).includes(manifest.publisher)) throw untrusted(manifest)
    return manifest
  } catch (error) {
    if (error instanceof ModelError) return refuse(error.message, error)
    throw error
  }
}

function untrusted({ name, publisher }: Manifest): PeerError {
  return new PeerError(
    { code: 'untrusted-publisher', publisher },
    `release ${name} is signed by ${publisher}, whom this peer does not trust; name that key as trusted if you do`,
  )
}
