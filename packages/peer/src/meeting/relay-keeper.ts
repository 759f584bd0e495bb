import type { Connection, IdentifyResult } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { countDown, pause, within } from '../deadline.ts'
import { PeerError } from '../errors.ts'
import {
  CLOSE_TIMEOUT_MS,
  RELAY_DIAL_TIMEOUT_MS,
  RELAY_DIAL_TIMEOUT_MS_MAX,
  RELAY_DIALS_PER_BOOTSTRAP,
  RELAY_PATIENCE_STEP_MS,
  RELAY_PING_INTERVAL_MS,
  RELAY_PING_TIMEOUT_MS,
  RELAY_RETRY_MS,
  RELAY_RETRY_MS_MAX,
  RESERVATION_PATIENCE_MS,
  RESERVATION_RENEW_MS,
  RESERVATION_TIMEOUT_MS,
} from '../limits.ts'
import type { SwarmNode, Ways } from '../node/libp2p-config.ts'
import { closeConnection, directConnection } from '../node/peer-connections.ts'
import type { RelayState } from '../node/reach.ts'
import { reserve } from './reservation.ts'

/** What a relay keeper works on. */
export interface RelayKeeperNeeds {
  node: SwarmNode
  ways: Ways
  /** Reads the addresses anew, for a bootstrap node that came back under another name or port. */
  refresh(signal: AbortSignal): Promise<readonly string[]>
  /** Told when the connection is lost, and when it is back. */
  changed(isUp: boolean): void
}

/** How patient a relay keeper is, milliseconds. */
export interface RelayKeeperOptions {
  retryMs: number
  retryMsMax: number
  /** For a dial; doubled after each that took all of it, up to `dialMsMax`. */
  dialMs: number
  dialMsMax: number
  pingIntervalMs: number
  pingTimeoutMs: number
  /** How long after it was granted a reservation is asked for again. */
  renewMs: number
  random(): number
}

/** The patience of a peer in a swarm. */
export const RELAY_KEEPER_DEFAULTS: RelayKeeperOptions = Object.freeze({
  retryMs: RELAY_RETRY_MS,
  retryMsMax: RELAY_RETRY_MS_MAX,
  dialMs: RELAY_DIAL_TIMEOUT_MS,
  dialMsMax: RELAY_DIAL_TIMEOUT_MS_MAX,
  pingIntervalMs: RELAY_PING_INTERVAL_MS,
  pingTimeoutMs: RELAY_PING_TIMEOUT_MS,
  renewMs: RESERVATION_RENEW_MS,
  random: Math.random,
})

/** Keeps the connection to a bootstrap node, and the reservation on it, through its restarts. */
export interface RelayKeeper {
  /**
   * Connects for the first time; may be called again when that failed. @param addresses of the bootstrap node.
   * @throws PeerError `unreachable` when none of them answers.
   */
  start(addresses: readonly string[], signal?: AbortSignal): Promise<void>
  stop(): Promise<void>
  /** Looks at once whether the connection still lives, after a sleep or a change of network. */
  hurry(): void
  readonly state: RelayState
  /** Whether a peer is one of the bootstrap nodes. */
  readonly isBootstrap: (peer: string) => boolean
}

/**
 * libp2p renews nothing by itself: after a restart of the relay neither the connection nor the
 * reservation comes back. This loop dials, waits for the reservation, watches, and starts over. A peer or a
 * server that is short of its processor is not taken for dead: the times given to the server count no stall of
 * this thread, and that of a dial grows where it was too short.
 */
export function createRelayKeeper(
  needs: RelayKeeperNeeds,
  options: Partial<RelayKeeperOptions> = {},
): RelayKeeper {
  return new LoopingKeeper(needs, { ...RELAY_KEEPER_DEFAULTS, ...options })
}

class LoopingKeeper implements RelayKeeper {
  private readonly needs: RelayKeeperNeeds
  private readonly options: RelayKeeperOptions
  private readonly stopped = new AbortController()
  private readonly bootstraps = new Set<string>()
  private addresses: readonly string[] = []
  private connection: Connection | undefined
  private watching: Promise<void> = Promise.resolve()
  private hurried = new AbortController()
  /** When the reservation was granted, in the time of `performance.now()`. */
  private reservedAtMs = 0
  /** Dials since the last connection that took their whole time. */
  private lateDials = 0
  /** The connection of which it is known what the other end speaks. */
  private identified: Connection | undefined

  constructor(needs: RelayKeeperNeeds, options: RelayKeeperOptions) {
    this.needs = needs
    this.options = options
    needs.node.addEventListener('peer:identify', this.wasIdentified)
  }

  async start(addresses: readonly string[], signal?: AbortSignal): Promise<void> {
    this.learn(addresses)
    const timeMs = this.options.dialMs + RESERVATION_TIMEOUT_MS
    try {
      await patiently(timeMs, signal, (bounded) => this.connect(bounded))
    } catch (error) {
      signal?.throwIfAborted()
      const places = addresses.join(' or ')
      throw new PeerError(
        { code: 'unreachable', url: places },
        `the server cannot be connected to at ${places}; is a firewall in the way, or a proxy that passes no WebSockets on?`,
        { cause: error },
      )
    }
    this.watching = this.keep(this.stopped.signal)
  }

  async stop(): Promise<void> {
    this.stopped.abort(new Error('the peer stopped'))
    this.needs.node.removeEventListener('peer:identify', this.wasIdentified)
    await this.watching
  }

  hurry(): void {
    this.hurried.abort()
    this.hurried = new AbortController()
  }

  get state(): RelayState {
    if (!this.isUp()) return 'lost'
    return this.isReserved() ? 'reserved' : 'connected'
  }

  readonly isBootstrap = (peer: string): boolean => this.bootstraps.has(peer)

  private readonly wasIdentified = ({ detail }: CustomEvent<IdentifyResult>): void => {
    if (this.isBootstrap(detail.peerId.toString())) this.identified = detail.connection
  }

  private learn(addresses: readonly string[]): void {
    this.addresses = addresses.filter((address) => this.needs.ways.canDial(address))
    for (const address of this.addresses) this.bootstraps.add(peerOf(address))
  }

  private isUp(): boolean {
    return this.connection?.status === 'open'
  }

  private isReserved(): boolean {
    const { node } = this.needs
    return node.getMultiaddrs().some((own) => isVia(own.toString(), this.connection))
  }

  private isWhole(): boolean {
    return this.isUp() && (this.needs.ways.reservation !== 'needed' || this.isReserved())
  }

  private async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.watch(signal)
      if (!signal.aborted) this.needs.changed(false)
      await this.reconnect(signal)
      if (!signal.aborted) this.needs.changed(true)
    }
  }

  private async connect(signal: AbortSignal): Promise<void> {
    const { node } = this.needs
    const open = [...this.bootstraps].map((peer) => directConnection(node, peer))
    this.connection = open.find((connection) => connection !== undefined)
    this.connection ??= await this.dialPatiently(signal)
    if (await this.isSettled(signal)) return
    await closeConnection(this.connection, CLOSE_TIMEOUT_MS)
    throw new Error('the server granted no reservation')
  }

  /** Waits for the reservation that it wants. @returns whether it has what it needs. */
  private async isSettled(signal: AbortSignal): Promise<boolean> {
    const { node, ways } = this.needs
    if (ways.reservation === 'none') return this.isUp()
    const isNeeded = ways.reservation === 'needed'
    const patienceMs = isNeeded ? RESERVATION_TIMEOUT_MS : RESERVATION_PATIENCE_MS
    await comesTrue(node, () => this.isUp() && this.isReserved(), patienceMs, signal)
    return this.isWhole()
  }

  /** One that is down says so at once; one that is up and busy is given longer the next time. */
  private async dialPatiently(signal: AbortSignal): Promise<Connection> {
    const { dialMs, dialMsMax } = this.options
    const timeMs = Math.min(dialMs * 2 ** this.lateDials, Math.max(dialMs, dialMsMax))
    return patiently(timeMs, signal, async (bounded) => {
      try {
        const connection = await this.dial(bounded)
        this.lateDials = 0
        return connection
      } catch (error) {
        if (bounded.aborted && !signal.aborted) this.lateDials += 1
        throw error
      }
    })
  }

  /** The addresses may belong to several bootstrap nodes; libp2p dials one peer at a time. */
  private async dial(signal: AbortSignal): Promise<Connection> {
    let failure: unknown = new Error('no address of a server can be dialled from here')
    for (const peer of new Set(this.addresses.map(peerOf))) {
      const own = this.addresses.filter((address) => peerOf(address) === peer)
      try {
        return await this.needs.node.dial(
          own.map((address) => multiaddr(address)),
          { signal, force: true },
        )
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  /** Returns when the connection or the reservation is gone, with nothing left of either. */
  private async watch(signal: AbortSignal): Promise<void> {
    const { node } = this.needs
    let misses = 0
    this.reservedAtMs = performance.now()
    while (misses < 2) {
      const hurried = this.hurried.signal
      const broke = await comesTrue(
        node,
        () => !this.isWhole(),
        this.options.pingIntervalMs,
        AbortSignal.any([signal, hurried]),
      )
      if (broke || signal.aborted || !(await this.isRenewed(signal))) break
      // Whoever hurries has a reason to think that the connection is dead.
      const missed = hurried.aborted ? 2 : misses + 1
      misses = (await this.answers(signal)) ? 0 : missed
      if (misses === 0) await this.identify(signal)
    }
    if (this.connection !== undefined && !signal.aborted) {
      await closeConnection(this.connection, CLOSE_TIMEOUT_MS)
    }
    this.connection = undefined
  }

  /** Renews the reservation when it is time. False when it is lost. */
  private async isRenewed(signal: AbortSignal): Promise<boolean> {
    const { connection, reservedAtMs, options } = this
    if (connection === undefined || !this.isReserved()) return true
    if (performance.now() - reservedAtMs < options.renewMs) return true
    this.reservedAtMs = performance.now()
    return within(RESERVATION_TIMEOUT_MS, signal, (bounded) => reserve(connection, bounded)).catch(
      // Whether it still answers is found out by its pings.
      () => true,
    )
  }

  private async answers(signal: AbortSignal): Promise<boolean> {
    const { node } = this.needs
    try {
      const peer = this.connection?.remotePeer
      if (peer === undefined) return false
      await patiently(this.options.pingTimeoutMs, signal, (bounded) =>
        node.services.ping.ping(peer, { signal: bounded }),
      )
      return true
    } catch {
      return false
    }
  }

  /** libp2p asks once what a peer speaks; while that is not known, gossip has nothing to say to it. */
  private async identify(signal: AbortSignal): Promise<void> {
    const { connection } = this
    if (connection === undefined || this.identified === connection) return
    const { identify } = this.needs.node.services
    await patiently(this.options.pingTimeoutMs, signal, (bounded) =>
      identify.identify(connection, { signal: bounded }),
    ).catch(() => undefined)
  }

  private async reconnect(signal: AbortSignal): Promise<void> {
    const { retryMs, retryMsMax, random } = this.options
    for (let attempt = 0; !signal.aborted; attempt++) {
      const wait = Math.min(retryMs * 2 ** attempt, retryMsMax)
      const hurried = this.hurried.signal
      await pause(wait * (0.5 + random()), AbortSignal.any([signal, hurried]))
      if (hurried.aborted) attempt = 0
      try {
        if (attempt % RELAY_DIALS_PER_BOOTSTRAP === RELAY_DIALS_PER_BOOTSTRAP - 1) {
          this.learn(await this.needs.refresh(signal))
        }
        return await this.connect(signal)
      } catch {
        // Down or restarting: the next attempt comes after a longer wait.
      }
    }
  }
}

/** Gives work so much time in which this thread has its turns. */
function patiently<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (bounded: AbortSignal) => Promise<T>,
): Promise<T> {
  return within(ms, signal, work, RELAY_PATIENCE_STEP_MS)
}

/** The peer id at the end of an address. */
function peerOf(address: string): string {
  return address.slice(address.lastIndexOf('/') + 1)
}

/** Whether an own address leads through the circuit of this relay. */
function isVia(address: string, relay: Connection | undefined): boolean {
  return relay !== undefined && address.includes(`/p2p/${relay.remotePeer}/p2p-circuit`)
}

/** libp2p says that own addresses have changed, a second later for good measure, and that a transport has a new one at once. */
const ADDRESSES_CHANGED = ['self:peer:update', 'transport:listening'] as const

/** Waits until `condition` holds, looking at every change of connections and addresses. False after `ms`. */
function comesTrue(
  node: SwarmNode,
  condition: () => boolean,
  ms: number,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = () => {
      stopCounting()
      node.removeEventListener('connection:close', look)
      for (const event of ADDRESSES_CHANGED) node.removeEventListener(event, look)
      signal.removeEventListener('abort', finish)
      resolve(condition())
    }
    const look = () => {
      if (condition()) finish()
    }
    const stopCounting = countDown(ms, RELAY_PATIENCE_STEP_MS, finish)
    node.addEventListener('connection:close', look)
    for (const event of ADDRESSES_CHANGED) node.addEventListener(event, look)
    signal.addEventListener('abort', finish, { once: true })
    if (signal.aborted || condition()) finish()
  })
}
