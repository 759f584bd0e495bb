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

const HOST = String.raw`(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])`
const STUN = new RegExp(`^stuns?:${HOST}(?::[0-9]{1,5})?$`)
const TURN = new RegExp(String.raw`^turns?:${HOST}(?::[0-9]{1,5})?(?:\?transport=(?:udp|tcp))?$`)

/** Reads an ICE server that somebody else named; undefined for what is none. */
export function parseIceServer(value: unknown): IceServer | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { urls, username, credential } = value as Readonly<Record<string, unknown>>
  if (!isText(urls) || Number(/:([0-9]+)(?:\?|$)/.exec(urls)?.[1] ?? 1) > 65_535) return undefined
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

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= ICE_TEXT_CHARS_MAX
}
