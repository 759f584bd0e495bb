import { isIP } from 'node:net'
import {
  type AllowList,
  ICE_SERVERS_MAX,
  ICE_TEXT_CHARS_MAX,
  type IceServer,
  parseIceServer,
  type SwarmKey,
} from '@layerswarm/swarm'
import type { Certificate } from './certificate.ts'
import { SignalingError } from './errors.ts'
import type { Log } from './log.ts'
import { urlAt } from './public-urls.ts'
import { RELAY_LIMITS, type RelayLimits } from './relay-terms.ts'
import type { UploadOptions } from './uploads.ts'

/** What a server offers, where it listens and what it keeps. */
export interface SignalingOptions {
  /** Folders of releases, each with manifest.json and parts/<sha256>.safetensors. */
  readonly modelDirs: readonly string[]
  /** Address of this machine to listen on: an IP address or `localhost`. */
  readonly host: string
  /** Only who has this key is let in and told who is there; undefined for a swarm that is open to all. */
  readonly swarmKey: SwarmKey | undefined
  /**
   * Peers that are let in, beside the servers of `peerWith`; undefined for everybody. Replaced while the server runs,
   * it hangs up on those that it no longer has.
   */
  readonly allowList: AllowList | undefined
  /** HTTP and libp2p over WebSocket; 0 takes any free one. */
  readonly port: number
  /** libp2p over TCP as well; 0 takes any free one, undefined opens none. */
  readonly tcpPort: number | undefined
  /** Speaks TLS on `port` with this certificate; undefined for plain http. */
  readonly tls: Certificate | undefined
  /**
   * Opens a port of its own for plain http on 127.0.0.1 beside TLS, any free one: for processes of
   * this machine, which need not be let in by a certificate.
   */
  readonly inner: boolean
  /**
   * A proxy of the host's stands before the server: the last address in its `X-Forwarded-For` is that of
   * the visitor, and counts against the limits on requests.
   */
  readonly trustsProxy: boolean
  /** Who may read /metrics: everybody, programs of this machine, or whoever sends the token. */
  readonly metricsFor: 'everybody' | 'here' | { readonly token: string }
  /** STUN and TURN servers that peers are told to use, ICE_SERVERS_MAX at most; with their credentials. */
  readonly iceServers: readonly IceServer[]
  /**
   * Multiaddrs that peers are told beside the way by which they came, the TCP port for example; the
   * server tells no other address of its own. An http or https URL among them is the swarm's public
   * address: people are invited to it.
   */
  readonly announce: readonly string[]
  /**
   * URLs of the other servers of this swarm, as peers reach them: this one connects to them and names
   * them to its peers. BOOTSTRAP_NODES_MAX servers in all; each should name the others.
   */
  readonly peerWith: readonly string[]
  /** Where the identity is kept; undefined for one that ends with the process. */
  readonly dataDir: string | undefined
  /** The built web page. */
  readonly pageDir: string | undefined
  /** Holds images.idx3-ubyte and labels.idx1-ubyte. */
  readonly samplesDir: string | undefined
  /** Who may upload releases, and where they are kept; undefined takes none. */
  readonly uploads: UploadOptions | undefined
  readonly relay: RelayLimits
  readonly version: string
  readonly log: Log
  /** The log names the addresses of those who come. By default it names none: whose they are is nobody's business. */
  readonly logAddresses: boolean
}

/** A server for this machine alone, without a release, that forgets everything when it ends. */
export const SIGNALING_DEFAULTS: SignalingOptions = Object.freeze({
  modelDirs: [],
  host: '127.0.0.1',
  swarmKey: undefined,
  allowList: undefined,
  port: 9_000,
  tcpPort: undefined,
  tls: undefined,
  inner: false,
  trustsProxy: false,
  metricsFor: 'everybody',
  iceServers: [],
  announce: [],
  peerWith: [],
  dataDir: undefined,
  pageDir: undefined,
  samplesDir: undefined,
  uploads: undefined,
  relay: RELAY_LIMITS,
  version: '0.1.0',
  log: () => {},
  logAddresses: false,
})

/** Where the server listens, all of it decided. */
export interface Listening {
  readonly host: string
  readonly port: number
  readonly tcpPort: number | undefined
}

/** @throws SignalingError `bad-option` or `bad-host`. */
export function resolveListening(options: SignalingOptions): Listening {
  const host = options.host === 'localhost' ? '127.0.0.1' : options.host
  // A URL cannot hold the zone of an address (fe80::1%eth0), and so nobody could join there.
  if (isIP(host) === 0 || host.includes('%')) {
    throw new SignalingError(
      { code: 'bad-host', host },
      `"${host}" is not an IP address; listen on 127.0.0.1 for this machine only or 0.0.0.0 for all`,
    )
  }
  const { port, tcpPort } = options
  checkRange('port', port)
  checkIceServers(options.iceServers)
  if (tcpPort !== undefined) checkRange('tcpPort', tcpPort)
  if (port !== 0 && port === tcpPort) {
    throw new SignalingError(
      { code: 'bad-option', option: 'tcpPort' },
      `port and tcpPort are both ${port}; TCP needs a port of its own`,
    )
  }
  return { host, port, tcpPort }
}

function checkRange(option: string, port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new SignalingError(
      { code: 'bad-option', option },
      `${option} is ${port}; a port is a whole number from 0 to 65535`,
    )
  }
}

/** The multiaddrs to listen on, beside the HTTP server's port. */
export function multiaddrsOf({ host, tcpPort }: Listening): string[] {
  const family = isIP(host) === 6 ? 'ip6' : 'ip4'
  return tcpPort === undefined ? [] : [`/${family}/${host}/tcp/${tcpPort}`]
}

/** The URL under which this machine reaches its own server. */
export function urlOf(host: string, port: number, isSecure: boolean): string {
  const near = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return urlAt(near, port, isSecure)
}

function checkIceServers(servers: readonly IceServer[]): void {
  const wrong = servers.find((server) => parseIceServer(server) === undefined)
  const isLong =
    wrong !== undefined && Object.values(wrong).some((text) => text.length > ICE_TEXT_CHARS_MAX)
  if (servers.length <= ICE_SERVERS_MAX && wrong === undefined) return
  throw new SignalingError(
    { code: 'bad-option', option: 'iceServers' },
    wrong === undefined
      ? `${servers.length} ICE servers are too many; ${ICE_SERVERS_MAX} at most`
      : isLong
        ? `an ICE server's URL, user and credential have ${ICE_TEXT_CHARS_MAX} characters at most each; those of "${wrong.urls.slice(0, 80)}" have more`
        : `"${wrong.urls}" is no ICE server; it looks like stun:host:3478, or turn:host:3478 with a user and a credential`,
  )
}
