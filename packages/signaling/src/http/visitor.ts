import type { IncomingMessage } from 'node:http'
import { isIP, type Socket } from 'node:net'
import { createBans, createQuota, createSeats, isLoopback, networkOf } from '@layerswarm/swarm'
import {
  HTTP_CONNECTIONS_PER_ADDRESS_MAX,
  HTTP_REQUESTS_BURST,
  HTTP_REQUESTS_PER_SECOND,
  RATE_KEYS_MAX,
  TOKEN_GUESSES_BURST,
  TOKEN_GUESSES_OVER_MS,
  TOKEN_GUESSES_PER_SECOND,
} from '../limits.ts'

/** Who asks, as far as can be told. */
export interface Visitor {
  /** IP address; that of a proxy which is not trusted to name another; empty for who has gone already. */
  readonly address: string
  /** A program of this machine that means this machine: no proxy asks on behalf of somebody. */
  readonly isHere: boolean
}

/**
 * @param trustsProxy the request comes through a proxy of the host's, whose word counts: the last
 * address in `X-Forwarded-For` is the one that it saw itself, those before it are hearsay.
 */
export function visitorOf(
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
  trustsProxy: boolean,
): Visitor {
  const remote = addressOf(socket)
  const forwarded = trustsProxy ? lastForwarded(headers['x-forwarded-for']) : undefined
  const isPassedOn = Object.keys(headers).some((name) => PASSED_ON.test(name))
  const isHere = !isPassedOn && isLoopback(remote) && isLoopback(hostIn(headers.host ?? ''))
  return { address: forwarded ?? remote, isHere }
}

/**
 * Whether a visitor may ask once more: each network has a quota. Nobody is kept from asking the server
 * of his own machine, a proxy there that is not trusted included: it asks for everybody.
 */
export function createVisitorLimit(
  { burst, perSecond } = { burst: HTTP_REQUESTS_BURST, perSecond: HTTP_REQUESTS_PER_SECOND },
): (visitor: Visitor, nowMs?: number) => boolean {
  const quota = createQuota({ burst, perSecond, namesMax: RATE_KEYS_MAX })
  return ({ address }, nowMs = performance.now()) =>
    isLoopback(address) || quota.take(networkOf(address), nowMs)
}

/** Who has brought wrong tokens. */
export interface GuessLimit {
  /** Whether a visitor may guess no more for now. */
  isOver(visitor: Visitor, nowMs?: number): boolean
  wrong(visitor: Visitor, nowMs?: number): void
}

/** Nobody has guessed yet. As with requests, nobody is kept from the server of his own machine. */
export function createGuessLimit(): GuessLimit {
  const rate = { burst: TOKEN_GUESSES_BURST, perSecond: TOKEN_GUESSES_PER_SECOND }
  const quota = createQuota({ ...rate, namesMax: RATE_KEYS_MAX })
  const over = createBans({ durationMs: TOKEN_GUESSES_OVER_MS, peersMax: RATE_KEYS_MAX })
  return {
    isOver: ({ address }, nowMs = performance.now()) => over.has(networkOf(address), nowMs),
    wrong({ address }, nowMs = performance.now()) {
      const network = networkOf(address)
      if (!isLoopback(address) && !quota.take(network, nowMs)) over.add(network, nowMs)
    },
  }
}

/** How many sockets each network holds. */
export interface SocketLimit {
  /** Whether one more may be held; each that may is given back when it closes. */
  take(address: string): boolean
  giveBack(address: string): void
}

/** As with requests, nobody is kept from the server of his own machine. */
export function createSocketLimit(max = HTTP_CONNECTIONS_PER_ADDRESS_MAX): SocketLimit {
  const seats = createSeats(max)
  return {
    take: (address) => isLoopback(address) || seats.take(networkOf(address)),
    giveBack: (address) => seats.giveBack(networkOf(address)),
  }
}

/** Whose socket it is, a proxy's perhaps; empty for who has gone already. */
export function addressOf({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string {
  return plain(remoteAddress)
}

/** What proxies and tunnels add: RFC 7239, RFC 9110 (7.6.3), and what they used before and use beside. */
const PASSED_ON =
  /^(forwarded|via|x-(forwarded|real|original|envoy|client)-.*|x-forwarded|(true|cf|fly|fastly)-.*)$/

function lastForwarded(header: string | string[] | undefined): string | undefined {
  const last = (Array.isArray(header) ? header.join(',') : header)?.split(',').at(-1)?.trim() ?? ''
  // Some write a port behind it, and brackets around IPv6.
  const address = plain(
    /^\[(.+)\](?::\d+)?$/.exec(last)?.[1] ?? last.replace(/^([\d.]+):\d+$/, '$1'),
  )
  return isIP(address) === 0 ? undefined : address
}

/**
 * IPv4 as it is written, also where it came through a socket of both families; IPv6 without the zone
 * that an address of the link has (`fe80::1%eth0`, RFC 4007): it means something on this machine only.
 */
function plain(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '')
}

function hostIn(header: string): string {
  return header.replace(/:\d+$/, '').toLowerCase()
}
