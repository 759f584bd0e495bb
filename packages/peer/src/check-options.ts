import { ACTIVATION_DTYPES, LAYER_DTYPES } from '@layerswarm/model'
import { PeerError } from './errors.ts'
import { ANNOUNCED_MAX, PORT_MAX } from './limits.ts'
import { announcedAddress } from './meeting/announced-address.ts'
import { swarmKeyOf } from './meeting/swarm-key.ts'
import { type PeerOptions, POLICIES } from './options.ts'

/**
 * Checks what a script hands over, which no compiler may have read. What takes the network or the file
 * system to be known, as whether a URL leads anywhere, is found by `start`.
 * @throws PeerError `bad-options` naming the first wrong field, or `bad-swarm-key`.
 */
export function checkOptions(options: PeerOptions): PeerOptions {
  checkKinds(options)
  checkCount('capacity', options.capacity)
  checkCount('slots', options.slots)
  checkCount('laneProviders', options.laneProviders)
  checkShare('timeShare', options.timeShare)
  checkPolicy(options.policy)
  checkReach(options)
  swarmKeyOf(options)
  for (const server of options.iceServers) checkIceServer(server)
  if (Array.isArray(options.serve)) for (const layer of options.serve) checkCount('serve', layer)
  return options
}

function refuse(field: string, line: string): never {
  throw new PeerError({ code: 'bad-options', field }, line)
}

/** What a field must be, in words, and whether a value is that. */
type Kind = readonly [words: string, is: (value: unknown) => boolean]

const isText = (value: unknown) => typeof value === 'string'
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText)
const orNone =
  (is: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || is(value)

const KINDS: Readonly<Partial<Record<keyof PeerOptions, Kind>>> = {
  join: [
    'the URL of a signaling server as a text, or a list of them',
    (value) => isText(value) || isTexts(value),
  ],
  swarmKey: ['the key of a private swarm as a text', orNone(isText)],
  allowList: [
    'a list as `createAllowList` makes it',
    orNone((value) => typeof value === 'object' && value !== null && 'admits' in value),
  ],
  serve: [
    "'auto', 'none' or a list of layer numbers",
    (value) => value === 'auto' || value === 'none' || Array.isArray(value),
  ],
  engine: ['the name of an engine', isText],
  layerFiles: [
    `auto or one of ${LAYER_DTYPES.join(', ')}`,
    (value) => value === 'auto' || LAYER_DTYPES.some((dtype) => dtype === value),
  ],
  policy: ['the name of a policy', isText],
  release: ['the id or the name of a release', orNone(isText)],
  trustedPublishers: ['a list of public keys', orNone(isTexts)],
  dataDir: ['the path of a folder', orNone(isText)],
  host: ['an IP address', orNone(isText)],
  announce: ['a list of addresses', isTexts],
  iceServers: ['a list of STUN and TURN servers', Array.isArray],
  webrtc: ['true or false', (value) => typeof value === 'boolean'],
  wireDtype: [
    `one of ${ACTIVATION_DTYPES.join(', ')}`,
    (value) => ACTIVATION_DTYPES.some((dtype) => dtype === value),
  ],
  beforeEngine: ['a function', (value) => typeof value === 'function'],
  wrapTransport: ['a function', (value) => typeof value === 'function'],
}

function checkKinds(options: PeerOptions): void {
  const given: Readonly<Record<string, unknown>> = { ...options }
  for (const [field, [words, is]] of Object.entries(KINDS)) {
    const value = given[field]
    if (!is(value)) refuse(field, `${field} must be ${words}, not ${inWords(value)}`)
  }
}

function inWords(value: unknown): string {
  if (typeof value === 'string') return `"${value.slice(0, 40)}"`
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return value === null ? 'null' : `a value of the type ${typeof value}`
}

function checkPolicy(value: string): void {
  if (Object.hasOwn(POLICIES, value)) return
  refuse(
    'policy',
    `policy must be one of ${Object.keys(POLICIES).join(', ')}, not ${value.slice(0, 40)}`,
  )
}

/** One that WebRTC cannot read would leave a tab without any. */
function checkIceServer(server: unknown): void {
  const isObject = typeof server === 'object' && server !== null
  const urls: unknown = isObject && 'urls' in server ? server.urls : undefined
  const list: readonly unknown[] = Array.isArray(urls) ? urls : [urls]
  if (list.length > 0 && list.every((url) => isText(url) && /^(stun|turn)s?:./.test(String(url))))
    return
  refuse('iceServers', 'iceServers must have urls as stun:host:3478 or turn:host:3478 each')
}

/** Somebody must be able to reach it, at addresses that others take. */
function checkReach({ host, port, announce, webrtc }: PeerOptions): void {
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= PORT_MAX))
    refuse('port', `port must be a whole number from 0 to ${PORT_MAX}, not ${inWords(port)}`)
  if (host === undefined && (port !== undefined || announce.length > 0))
    refuse('host', 'a peer that listens on no host has no port and no address to announce')
  if (host === undefined && !webrtc)
    refuse('host', 'a peer that listens on no host needs WebRTC, or nobody can reach it')
  if (announce.length > ANNOUNCED_MAX)
    refuse(
      'announce',
      `${announce.length} addresses are too many to announce; ${ANNOUNCED_MAX} at most`,
    )
  for (const address of announce) announcedAddress(address)
}

/** @throws PeerError `bad-options` unless it is above 0 and at most 1. */
export function checkShare(field: string, value: number): number {
  if (typeof value === 'number' && value > 0 && value <= 1) return value
  return refuse(field, `${field} must be above 0 and at most 1, not ${inWords(value)}`)
}

/** @throws PeerError `bad-options` unless it is a whole number from 0. */
export function checkCount(field: string, value: number): number {
  if (Number.isInteger(value) && value >= 0) return value
  return refuse(field, `${field} must be a whole number from 0, not ${inWords(value)}`)
}
