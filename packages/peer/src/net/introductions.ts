import type { Presence } from '@layerswarm/swarm'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { type Acquaintance, Acquaintances } from './acquaintances.ts'
import { within } from './deadline.ts'
import type { Platform, SwarmNode } from './libp2p-config.ts'
import {
  ALIVE_PING_TIMEOUT_MS,
  CLOSE_TIMEOUT_MS,
  CONNECTIONS_MAX,
  DIAL_TIMEOUT_MS,
  DIALS_AT_ONCE_MAX,
  INTRODUCTIONS_TICK_MS,
} from './limits.ts'
import { directConnection, hangUp, isDirect, isOpen } from './peer-connections.ts'

export interface IntroductionsNeeds {
  node: SwarmNode
  platform: Pick<Platform, 'canDial'>
  /** Bootstrap nodes, which the relay keeper looks after. */
  isForwarder(peer: string): boolean
  /** A peer is gone although a socket may not say so yet. */
  gone(peer: string): void
}

export interface IntroductionsOptions {
  connectionsMax: number
  dialsAtOnceMax: number
  /** From 0 to 1, for jitter. */
  random(): number
}

export const INTRODUCTIONS_DEFAULTS: IntroductionsOptions = Object.freeze({
  connectionsMax: CONNECTIONS_MAX,
  dialsAtOnceMax: DIALS_AT_ONCE_MAX,
  random: Math.random,
})

/** Connects this peer to others of its lane, from what they announce. */
export interface Introductions {
  start(): void
  stop(): Promise<void>
  /** A verified announcement of a peer of the same release. */
  announced(peer: string, presence: Presence): void
  /** A peer said goodbye: its connections are closed, and it is not dialled until it is heard again. */
  departed(peer: string): void
  /** Makes a direct connection if there is none, whoever's turn it is. @throws Error when it cannot. */
  reach(peer: string, signal: AbortSignal | undefined): Promise<void>
}

/**
 * 1. Who dials whom is decided by `Acquaintances`.
 * 2. One direct connection per peer: libp2p's gossip lives on one of two and dies with it.
 * 3. A connection to a session that has ended is closed, so that the new session can be reached.
 * 4. After `stop` no dial, ping or timer is left.
 */
export function createIntroductions(
  needs: IntroductionsNeeds,
  options: Partial<IntroductionsOptions> = {},
): Introductions {
  return new LaneIntroductions(needs, { ...INTRODUCTIONS_DEFAULTS, ...options })
}

class LaneIntroductions implements Introductions {
  private readonly needs: IntroductionsNeeds
  private readonly options: IntroductionsOptions
  private readonly known: Acquaintances
  private readonly dialling = new Set<string>()
  private readonly working = new Set<Promise<void>>()
  private readonly stopped = new AbortController()
  private timer: ReturnType<typeof setInterval> | undefined

  constructor(needs: IntroductionsNeeds, options: IntroductionsOptions) {
    const { node } = needs
    this.needs = needs
    this.options = options
    this.known = new Acquaintances({
      self: node.peerId.toString(),
      isPlainlyDialable: () =>
        node.getMultiaddrs().some((own) => !own.toString().includes('/p2p-circuit')),
      random: options.random,
    })
  }

  start(): void {
    this.needs.node.addEventListener('connection:close', this.connectionClosed)
    this.timer = setInterval(() => this.tick(), INTRODUCTIONS_TICK_MS)
  }

  async stop(): Promise<void> {
    this.needs.node.removeEventListener('connection:close', this.connectionClosed)
    clearInterval(this.timer)
    this.stopped.abort(new Error('the peer stopped'))
    this.known.clear()
    await Promise.all(this.working)
  }

  announced(peer: string, presence: Presence): void {
    const { node, isForwarder, gone } = this.needs
    if (peer === node.peerId.toString() || isForwarder(peer) || this.stopped.signal.aborted) return
    if (presence.leaving) return this.departed(peer)
    if (this.known.hear(peer, presence, performance.now())) {
      gone(peer)
      this.hangUp(peer)
    }
    this.tick()
  }

  departed(peer: string): void {
    if (this.needs.isForwarder(peer)) return
    this.known.forget(peer)
    this.hangUp(peer)
  }

  async reach(peer: string, signal: AbortSignal | undefined): Promise<void> {
    if (directConnection(this.needs.node, peer) !== undefined) return
    const one = this.known.get(peer)
    if (one === undefined) throw new Error(`no way to ${peer} is known`)
    await this.dial(one, signal ?? this.stopped.signal)
  }

  private tick(): void {
    const nowMs = performance.now()
    // Nothing was heard for long: the socket of a frozen tab only takes somebody else's place.
    for (const peer of this.known.takeLapsed(nowMs)) this.hangUp(peer)
    const { connectionsMax, dialsAtOnceMax } = this.options
    let room = connectionsMax - this.directPeers() - this.dialling.size
    for (const one of this.known.due(nowMs)) {
      if (this.dialling.size >= dialsAtOnceMax || room <= 0) return
      if (this.dialling.has(one.peer)) continue
      if (directConnection(this.needs.node, one.peer) !== undefined) continue
      room--
      this.inBackground(this.dial(one, this.stopped.signal))
    }
  }

  private async dial({ peer, addresses }: Acquaintance, signal: AbortSignal): Promise<void> {
    const { node, platform } = this.needs
    const targets = addresses.filter((address) => platform.canDial(address))
    if (targets.length === 0)
      throw new Error(`${peer} has no address that can be dialled from here`)
    this.dialling.add(peer)
    try {
      // Without `force` libp2p hands back a circuit that is still open from an earlier attempt.
      await within(DIAL_TIMEOUT_MS, signal, (bounded) =>
        node.dial(
          targets.map((address) => multiaddr(address)),
          { signal: bounded, force: true },
        ),
      )
    } catch (error) {
      this.known.dialFailed(peer, performance.now())
      throw error
    } finally {
      this.dialling.delete(peer)
    }
  }

  private readonly connectionClosed = ({ detail }: CustomEvent<Connection>): void => {
    const peer = detail.remotePeer.toString()
    if (this.known.get(peer) === undefined) return
    if (!isDirect(detail)) {
      // The other end of a circuit closes within 0.3 s of a tab's death, WebRTC only after 17 s.
      this.inBackground(this.checkAlive(peer))
      return
    }
    this.known.connectionLost(peer, performance.now())
    // Rule 2: the gossip stream was perhaps on this one; a fresh connection gets a fresh stream.
    if (directConnection(this.needs.node, peer) !== undefined) this.hangUp(peer)
  }

  /** Closes everything to a peer whose direct connection does not answer. */
  private async checkAlive(peer: string): Promise<void> {
    const { node, gone } = this.needs
    const connection = directConnection(node, peer)
    if (connection === undefined) return
    try {
      await within(ALIVE_PING_TIMEOUT_MS, this.stopped.signal, (signal) =>
        node.services.ping.ping(connection.remotePeer, { signal }),
      )
    } catch {
      if (this.stopped.signal.aborted) return
      gone(peer)
      this.hangUp(peer)
    }
  }

  private directPeers(): number {
    const direct = this.needs.node
      .getConnections()
      .filter((connection) => isDirect(connection) && isOpen(connection))
    return new Set(direct.map(({ remotePeer }) => remotePeer.toString())).size
  }

  private hangUp(peer: string): void {
    this.inBackground(hangUp(this.needs.node, peer, CLOSE_TIMEOUT_MS))
  }

  /** Runs a task that `stop` waits for; how it ends shows in the connections. */
  private inBackground(task: Promise<unknown>): void {
    const ended = () => {
      this.working.delete(settled)
    }
    const settled: Promise<void> = task.then(ended, ended)
    this.working.add(settled)
  }
}
