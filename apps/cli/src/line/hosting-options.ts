import { isIP } from 'node:net'
import { BOOTSTRAP_NODES_MAX } from '@layerswarm/swarm'
import { usageError } from '../cli-error.ts'
import { bare, count, type Option, serverUrls, text, texts, type ValuesOf } from './option.ts'

/** A STUN or TURN server as a flag names it; the signaling server checks the rest. */
export interface IceServerFlag {
  readonly urls: string
  readonly username?: string
  readonly credential?: string
}

/** An address of this machine to listen on. */
export function hostOption(help: string, others = '0.0.0.0 for all of them'): Option<string> {
  const otherwise = '127.0.0.1'
  return {
    kind: 'text',
    placeholder: 'ADDRESS',
    help: `${help} (${otherwise})`,
    read: ([value = otherwise], flag) => {
      if (value === 'localhost') return otherwise
      // A URL and a multiaddr cannot hold the zone of an address (fe80::1%eth0).
      if (isIP(value) !== 0 && !value.includes('%')) return value
      throw usageError(`${flag} takes an IP address of this machine, or ${others}, not "${value}"`)
    },
  }
}

/** The same for a peer, which may listen on none: undefined. */
export function listenOption(help: string): Option<string | undefined> {
  const { read, ...option } = hostOption(help, '0.0.0.0 for all of them, or none')
  return {
    ...option,
    read: (values, flag) => (values[0] === 'none' ? undefined : read(values, flag)),
  }
}

const iceServers: Option<readonly IceServerFlag[]> = {
  kind: 'text',
  placeholder: 'URL[,USER,CREDENTIAL]',
  help: 'STUN or TURN server that peers use to find a way to each other, as stun:host:3478 (none)',
  repeatable: true,
  read: (values, flag) => values.map((value) => parseIceServerFlag(value, flag)),
}

/** A credential may hold commas, a user name may not. */
function parseIceServerFlag(value: string, flag: string): IceServerFlag {
  const [, urls = '', username, credential] = /^([^,]*)(?:,([^,]*),(.*))?$/.exec(value) ?? []
  const isTurn = /^turns?:/.test(urls)
  if (!isTurn && !/^stuns?:/.test(urls)) {
    throw usageError(
      `${flag} takes stun:host:3478, or turn:host:3478,user,credential, not "${value}"`,
    )
  }
  if (isTurn !== (Boolean(username) && Boolean(credential))) {
    const needs = isTurn ? 'needs a user and a credential' : 'takes no user'
    throw usageError(`${flag} ${urls} ${needs}, as turn:host:3478,user,credential`)
  }
  return username === undefined || credential === undefined
    ? { urls }
    : { urls, username, credential }
}

/** How a server is reached: the flags that `up` and `signaling` share. */
export const HOSTING_OPTIONS = {
  port: count('the one port, for the page and the swarm; 0 takes any free one', {
    low: 0,
    high: 65_535,
    otherwise: 9000,
  }),
  host: hostOption('address to listen on; 0.0.0.0 for every one of this machine'),
  https: bare('speaks TLS, with a certificate of its own that is kept, or with --cert and --key'),
  cert: text('FILE', 'certificate for TLS, as PEM, with those that vouch for it behind it'),
  key: text('FILE', 'its private key, as PEM'),
  'tcp-port': count('takes Node peers over plain TCP as well; not told unless announced', {
    low: 0,
    high: 65_535,
    otherwise: undefined,
  }),
  announce: texts(
    'ADDRESS',
    'address to tell others: the URL to invite people to, or a multiaddr for peers',
  ),
  'peer-with': serverUrls(
    'another server of this swarm, as peers reach it: either may die (none)',
    BOOTSTRAP_NODES_MAX - 1,
  ),
  'ice-server': iceServers,
  'trust-proxy': bare(
    'a proxy of yours stands before it: visitors are whom X-Forwarded-For names last',
  ),
  private: bare(
    'lets in only who has the link with the key that it prints, a new one at each start',
  ),
  'swarm-key': text(
    'FILE',
    'the same with the key in this file, which is made where there is none',
  ),
} as const

/** How a server is reached, from its flags. */
export interface Hosting {
  readonly host: string
  readonly port: number
  readonly tcpPort: number | undefined
  readonly announce: readonly string[]
  readonly iceServers: readonly IceServerFlag[]
  /** Other servers of the swarm. */
  readonly peerWith: readonly URL[]
  /** Only who has the key is let in: a new one unless there is a file. */
  readonly isPrivate: boolean
  /** Where the key of a private swarm is kept. */
  readonly swarmKeyFile: string | undefined
  /** A proxy says who asks. */
  readonly trustsProxy: boolean
  /** Plain http, TLS with a certificate that is made and kept, or with that of these files. */
  readonly tls: 'none' | 'own' | { readonly certFile: string; readonly keyFile: string }
}

/** This machine alone, over plain http, at any free port. */
export const LOCAL_HOSTING: Hosting = Object.freeze({
  host: '127.0.0.1',
  port: 0,
  tcpPort: undefined,
  announce: [],
  iceServers: [],
  peerWith: [],
  isPrivate: false,
  swarmKeyFile: undefined,
  trustsProxy: false,
  tls: 'none',
})

/** @throws CliError `bad-usage` for flags that do not go together. */
export function readHosting(values: ValuesOf<typeof HOSTING_OPTIONS>): Hosting {
  const { host, port, announce, https, cert, key } = values
  if ((cert === undefined) !== (key === undefined)) {
    throw usageError('--cert and --key go together: a certificate is of no use without its key')
  }
  const given =
    cert === undefined || key === undefined ? undefined : { certFile: cert, keyFile: key }
  return {
    host,
    port,
    tcpPort: values['tcp-port'],
    announce,
    iceServers: values['ice-server'],
    peerWith: values['peer-with'],
    isPrivate: values.private,
    swarmKeyFile: values['swarm-key'],
    trustsProxy: values['trust-proxy'],
    tls: given ?? (https ? 'own' : 'none'),
  }
}
