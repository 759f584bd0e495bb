import type { ActivationDtype, EngineName, LayerDtype } from '@layerswarm/model'
import {
  type AllowList,
  type Clock,
  directHandOver,
  gossip,
  LANE_PROVIDERS,
  SLOTS_DEFAULT,
  type Transport,
} from '@layerswarm/swarm'

/** The claim policies that a peer may follow, by the names that options call them. */
export const POLICIES = Object.freeze({
  direct: directHandOver('lane'),
  'direct-few': directHandOver('few'),
  gossip,
})

/** A name of one of `POLICIES`. */
export type PolicyName = keyof typeof POLICIES

/** STUN or TURN servers. An RTCIceServer is one (W3C WebRTC, 4.2.4), and Node has no such type. */
export interface PeerIceServer {
  readonly urls: string | string[]
  readonly username?: string
  readonly credential?: string
}

/** What a peer is told about the swarm to join and what it may do there. */
export interface PeerOptions {
  /**
   * URL of a signaling server, http or https, or several of one swarm, BOOTSTRAP_NODES_MAX at most: whichever
   * answers lets this peer in, and it stays connected to all of them and to those that they name.
   */
  readonly join: string | readonly string[]
  /**
   * The key of a private swarm, as its host hands it out; undefined for that in the links of `join`
   * (`https://swarm.example/#key=…`), or where they have none, for a swarm that is open to all.
   */
  readonly swarmKey: string | undefined
  /**
   * Whom it connects to, beside the servers by which it joined; undefined for everybody. Replaced while the peer runs,
   * it hangs up on those that it no longer has.
   */
  readonly allowList: AllowList | undefined
  /** Layers to host: the rarest, none (a requester only), or these. */
  readonly serve: 'auto' | 'none' | readonly number[]
  /** How many layers to host in `auto`. */
  readonly capacity: number
  /** What computes; `auto` takes the fastest that is correct here. */
  readonly engine: 'auto' | EngineName
  /** What the engine waits for while the network opens, such as a download whose progress is shown. */
  readonly beforeEngine: () => Promise<void>
  /**
   * Which files of its layers are loaded, where the release has smaller ones beside its own: `auto` takes what suits
   * this device. A lane may mix them.
   */
  readonly layerFiles: 'auto' | LayerDtype
  /** Id or name of the release to join; undefined for the first that the server offers. */
  readonly release: string | undefined
  /** Public keys (hex) whose releases are run; undefined trusts the one that the server names. */
  readonly trustedPublishers: readonly string[] | undefined
  /** Node: where the identity and layer files are kept; undefined keeps the first in memory, the others in a temporary file without a name. */
  readonly dataDir: string | undefined
  /** Node: the address that it listens on; undefined to listen on none, which takes WebRTC. */
  readonly host: string | undefined
  /**
   * Node: the port on which it takes WebSockets and nothing else, for a firewall or a router that lets one
   * through; undefined for TCP and WebSocket on free ports.
   */
  readonly port: number | undefined
  /**
   * Node: where others reach it, told in place of what it listens on: multiaddrs, or http and https URLs
   * of a proxy that passes WebSockets on to `port`.
   */
  readonly announce: readonly string[]
  /**
   * Node: whether it speaks WebRTC as well, with tabs on https pages and with peers behind other routers. A
   * tab always does.
   */
  readonly webrtc: boolean
  /** STUN and TURN servers; when none are named here, those that the swarm's host names, or none. */
  readonly iceServers: readonly PeerIceServer[]
  /** How own activations travel. */
  readonly wireDtype: ActivationDtype
  /** Layer runs accepted at once. */
  readonly slots: number
  /** Share of the time that layer runs may take, above 0 and at most 1; below 1 there is one run at a time. */
  readonly timeShare: number
  /**
   * Who goes on with a step: its author names a favourite, and only it, the requester and the previous
   * author are told (`direct-few`); the whole lane hears it too (`direct`); or nobody is named
   * and the first answer wins (`gossip`).
   * All members of a lane must follow the same one.
   */
  readonly policy: PolicyName
  /** Providers of a lane before the next is opened; the same in every peer of a release. 0: there is one lane of any size. */
  readonly laneProviders: number
  /** Stands between the member and its transport, for measurements and tests; as it is by default. */
  readonly wrapTransport: (transport: Transport, clock: Clock) => Transport
}

/** A peer that hosts the two rarest layers on the best engine, and keeps nothing on disk. */
export const PEER_DEFAULTS: Omit<PeerOptions, 'join'> = Object.freeze({
  swarmKey: undefined,
  allowList: undefined,
  serve: 'auto' as const,
  capacity: 2,
  engine: 'auto' as const,
  beforeEngine: async () => undefined,
  layerFiles: 'auto' as const,
  release: undefined,
  trustedPublishers: undefined,
  dataDir: undefined,
  host: '127.0.0.1',
  port: undefined,
  announce: [],
  webrtc: true,
  iceServers: [],
  wireDtype: 'float16' as const,
  slots: SLOTS_DEFAULT,
  timeShare: 1,
  policy: 'direct-few' as const,
  laneProviders: LANE_PROVIDERS,
  wrapTransport: (transport: Transport) => transport,
})
