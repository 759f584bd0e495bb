import { ICE_TEXT_CHARS_MAX } from '../limits.ts'

/**
 * A server that helps two peers to a direct connection: STUN says how a peer looks from outside, TURN
 * carries what cannot go directly. As RTCPeerConnection takes it (W3C WebRTC, 4.2.4), with one URL.
 */
export interface IceServer {
  /** RFC 7064 or RFC 7065: `stun:host:port`, `turn:host:port?transport=tcp`. */
  readonly urls: string
  /** Both for TURN, neither for STUN. */
  readonly username?: string
  readonly credential?: string
}

const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?'
const HOST = String.raw`(?:${LABEL}(?:\.${LABEL})*|\[[0-9A-Fa-f:.]+\])`
const STUN = new RegExp(`^stuns?:${HOST}(?::[0-9]{1,5})?$`)
const TURN = new RegExp(String.raw`^turns?:${HOST}(?::[0-9]{1,5})?(?:\?transport=(?:udp|tcp))?$`)

/** Reads an ICE server that somebody else named; undefined for what is none. */
export function parseIceServer(value: unknown): IceServer | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { urls, username, credential } = value as Readonly<Record<string, unknown>>
  if (!isText(urls) || !hasPort(urls) || !hasHost(urls)) return undefined
  if (STUN.test(urls)) {
    return username === undefined && credential === undefined ? { urls } : undefined
  }
  if (!TURN.test(urls) || !isText(username) || !isText(credential)) return undefined
  return { urls, username, credential }
}

/** The host of an ICE server, for people. */
export function iceHost({ urls }: IceServer): string {
  return urls.replace(/^\w+:/, '').replace(/(:[0-9]+)?(\?.*)?$/, '')
}

function hasPort(urls: string): boolean {
  const port = Number(/:([0-9]+)(?:\?|$)/.exec(urls)?.[1] ?? 1)
  return port >= 1 && port <= 65_535
}

/** A browser refuses the whole list for one address that is none, and its tab speaks no WebRTC then. */
function hasHost(urls: string): boolean {
  const host = iceHost({ urls })
  if (host.startsWith('[')) return isIp6(host.slice(1, -1))
  return !/^[0-9.]+$/.test(host) || isIp4(host)
}

function isIp4(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) && text.split('.').every((byte) => Number(byte) < 256)
}

/** RFC 4291, 2.2: eight groups, of which `::` leaves some out, the last two perhaps as IPv4. */
function isIp6(text: string): boolean {
  const last = text.slice(text.lastIndexOf(':') + 1)
  const isMixed = last.includes('.')
  if (isMixed && !isIp4(last)) return false
  const halves = (isMixed ? `${text.slice(0, -last.length)}0:0` : text).split('::')
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  if (!groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return false
  return halves.length === 1 ? groups.length === 8 : halves.length === 2 && groups.length < 8
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= ICE_TEXT_CHARS_MAX
}
