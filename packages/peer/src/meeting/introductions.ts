import type { Presence } from '@layerswarm/swarm'
import { CONNECTIONS_MAX, PRESENCE_INTERVAL_MS_MAX } from '@layerswarm/swarm'
import type { Connection } from '@libp2p/interface'
import {
  ANNOUNCERS_PROMPT_MAX,
  CLOSE_TIMEOUT_MS,
  CROSS_DIAL_MS,
  DIAL_TIMEOUT_MS,
  INTRODUCTIONS_TICK_MS,
  LEFT_LANE_KEPT_MS,
  UNHEARD_WAIT_MS,
} from '../limits.ts'
import type { SwarmNode, Ways } from '../node/libp2p-config.ts'
import {
  closeConnection,
  directConnection,
  directConnections,
  hangUp,
  isDirect,
  isOpen,
} from '../node/peer-connections.ts'
import { isCircuit } from '../node/reach.ts'
import { type Acquaintance, Acquaintances } from './acquaintances.ts'
import { type DialKind, Dials } from './dials.ts'
import { Lookout } from './lookout.ts'
import { Pulse } from './pulse.ts'

/** What introductions work on, and whom they tell. */
export interface IntroductionsNeeds {
  node: SwarmNode
  ways: Pick<Ways, 'canDial'>
  /** Bootstrap nodes, which the relay keeper looks after. */
  isForwarder(peer: string): boolean
  /** A peer is gone although a socket may not say so yet. */
  gone(peer: string): void
}

/** How many connections are made. */
export interface IntroductionsOptions {
  connectionsMax: number
  /** How long a connection is kept to whom nothing was heard of in this lane. */
  strangersKeptMs: number
  /** From 0 to 1, for jitter. */
  random(): number
}

/** The limits of a peer in a lane. */
export const INTRODUCTIONS_DEFAULTS: IntroductionsOptions = Object.freeze({
  connectionsMax: CONNECTIONS_MAX,
  strangersKeptMs: LEFT_LANE_KEPT_MS,
  random: Math.random,
})

/** Connects this peer to others of its lane, from what they announce. */
export interface Introductions {
  start(): void
  stop(): Promise<void>
  /** A verified announcement of a peer of the same release. */
  announced(peer: string, presence: Presence): void
  /** Whether a peer has announced itself in this lane, and is still there. */
  isAcquainted(peer: string): boolean
  /** This peer is in another lane: it meets the members there, and those of the lane before make room for them. */
  laneEntered(): void
  /** A peer said goodbye: its connections are closed, and it is not dialled until it is heard again. */
  departed(peer: string): void
  /**
   * Makes a direct connection if there is none, whoever's turn it is; new to a lane it waits a little for whom it has
   * not heard yet, and then while too many others are being reached or dialled there. @throws Error when it cannot.
   */
  reach(peer: string, signal: AbortSignal | undefined): Promise<void>
}

/**
 * 1. Who dials whom is decided by `Acquaintances`, and how many at once and where by `Dials`.
 * 2. One direct connection per peer, the newest: whoever dials again has lost the older one, which
 *    may take 17 s to notice it, and libp2p's gossip would stay on it.
 * 3. A connection to a session that has ended is closed, so that the new session can be reached.
 * 4. A peer that may have left is asked for a sign of life (`Pulse`).
 * 5. Connections from a lane that one of the two has left make room when it is needed, the oldest first,
 *    and are closed after LEFT_LANE_KEPT_MS. So are those of whoever has connected and announced nothing.
 * 6. WebRTC is tried when nothing else leads to a peer: it costs both more, and a TURN server's traffic.
 * 7. After `stop` no dial, ping or timer is left.
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
  /** Who is in no lane with this peer, any more or yet, and since when, the oldest first. */
  private readonly left = new Map<string, number>()
  private readonly dials: Dials
  private readonly working = new Set<Promise<void>>()
  private readonly stopped = new AbortController()
  /** Looks again whenever somebody was heard or has connected. */
  private readonly lookout = new Lookout()
  private readonly pulse: Pulse
  private enteredMs = performance.now()
  private timer: ReturnType<typeof setInterval> | undefined

  constructor(needs: IntroductionsNeeds, options: IntroductionsOptions) {
    const { node } = needs
    this.needs = needs
    this.options = options
    this.dials = new Dials({
      ...needs,
      ended: () => this.lookout.again(),
      grewSlow: () => {
        this.lookout.again()
        this.tick()
      },
    })
    this.known = new Acquaintances({
      self: node.peerId.toString(),
      silencesAt: (addresses) => this.dials.silencesAt(addresses),
      isPlainlyDialable: () => node.getMultiaddrs().some((own) => !isCircuit(own.toString())),
      random: options.random,
    })
    this.pulse = new Pulse({
      node,
      stopped: this.stopped.signal,
      gone: needs.gone,
      dialAgain: (peer) => this.dialAgain(peer),
      hangUp: (peer) => this.hangUp(peer),
    })
  }

  start(): void {
    this.needs.node.addEventListener('connection:open', this.connectionOpened)
    this.needs.node.addEventListener('connection:close', this.connectionClosed)
    this.timer = setInterval(() => this.tick(), INTRODUCTIONS_TICK_MS)
  }

  async stop(): Promise<void> {
    this.needs.node.removeEventListener('connection:open', this.connectionOpened)
    this.needs.node.removeEventListener('connection:close', this.connectionClosed)
    clearInterval(this.timer)
    this.stopped.abort(new Error('the peer stopped'))
    this.lookout.again()
    this.known.clear()
    this.left.clear()
    await Promise.all(this.working)
  }

  announced(peer: string, presence: Presence): void {
    const { node, isForwarder, gone } = this.needs
    if (peer === node.peerId.toString() || isForwarder(peer) || this.stopped.signal.aborted) return
    if (presence.leaving) return presence.moving ? this.moved(peer) : this.departed(peer)
    this.left.delete(peer)
    if (this.known.hear(peer, presence, performance.now())) {
      gone(peer)
      this.hangUp(peer)
    }
    this.lookout.again()
    if (this.known.size <= ANNOUNCERS_PROMPT_MAX) this.tick()
  }

  isAcquainted(peer: string): boolean {
    return this.known.get(peer) !== undefined
  }

  laneEntered(): void {
    const { node, isForwarder } = this.needs
    for (const peer of new Set(node.getPeers().map((one) => one.toString())))
      if (!isForwarder(peer)) this.moved(peer)
    this.known.clear()
    this.enteredMs = performance.now()
  }

  /** It is not in the same lane any more; what is in flight between the two goes on. */
  private moved(peer: string): void {
    this.known.forget(peer)
    if (!this.left.has(peer)) this.left.set(peer, performance.now())
  }

  departed(peer: string): void {
    if (this.needs.isForwarder(peer)) return
    this.left.delete(peer)
    this.known.forget(peer)
    this.hangUp(peer)
  }

  async reach(peer: string, signal: AbortSignal | undefined): Promise<void> {
    if (this.isMet(peer)) return
    if (!this.hasAddress(peer)) {
      await this.untilHeard(peer, signal ?? this.stopped.signal)
      if (this.isMet(peer)) return
    }
    await this.reachKnown(peer, signal ?? this.stopped.signal)
  }

  private async reachKnown(peer: string, signal: AbortSignal): Promise<void> {
    const untilMs = performance.now() + DIAL_TIMEOUT_MS
    for (;;) {
      const one = this.known.get(peer)
      if (one === undefined) throw new Error(`no way to ${peer} is known`)
      const mayDial = this.dials.mayBegin(one.addresses, 'urgent')
      const dialling =
        this.dials.to(peer) ?? (mayDial ? this.dial(one, 'urgent', signal) : undefined)
      if (await dialling) return
      const leftMs = untilMs - performance.now()
      if (leftMs <= 0 || signal.aborted) throw new Error(`others are dialled before ${peer}`)
      await this.lookout.until(() => this.mayGoOn(peer), leftMs, signal)
      if (this.isMet(peer)) return
    }
  }

  /** Whether there is no reason any more to wait before a peer is reached. */
  private mayGoOn(peer: string): boolean {
    const one = this.known.get(peer)
    if (one === undefined || this.isMet(peer) || this.dials.to(peer) !== undefined) return true
    return this.dials.mayBegin(one.addresses, 'urgent')
  }

  private isMet(peer: string): boolean {
    return directConnection(this.needs.node, peer) !== undefined
  }

  private hasAddress(peer: string): boolean {
    return (this.known.get(peer)?.addresses.length ?? 0) > 0
  }

  private untilHeard(peer: string, signal: AbortSignal): Promise<void> {
    const { stopped, enteredMs } = this
    const newsMs = enteredMs + PRESENCE_INTERVAL_MS_MAX - performance.now()
    const holds = () => stopped.signal.aborted || this.isMet(peer) || this.hasAddress(peer)
    return this.lookout.until(holds, Math.min(UNHEARD_WAIT_MS, newsMs), signal)
  }

  private tick(): void {
    const nowMs = performance.now()
    // Nothing was heard for long: the socket of a frozen tab only takes somebody else's place.
    for (const peer of this.known.takeLapsed(nowMs)) this.hangUp(peer)
    for (const [peer, sinceMs] of this.left)
      if (nowMs - sinceMs > this.options.strangersKeptMs) this.part(peer)
    this.dialDue(nowMs)
  }

  private dialDue(nowMs: number): void {
    let room = this.options.connectionsMax - this.directPeers() - this.dials.young
    // Others have dialled this peer: their connections need room as well.
    while (room < 0 && this.makeRoom()) room++
    for (const one of this.known.due(nowMs)) {
      if (this.dials.to(one.peer) !== undefined || this.isMet(one.peer)) continue
      if (!this.dials.mayBegin(one.addresses, 'queued')) continue
      if (room <= 0 && !this.makeRoom()) return
      room--
      this.inBackground(this.dialFully(one, 'queued'))
    }
  }

  /** Closes a connection of a lane that was left. @returns whether there was one. */
  private makeRoom(): boolean {
    for (const [peer] of this.left) {
      const isOpenStill = this.isMet(peer)
      this.part(peer)
      if (isOpenStill) return true
    }
    return false
  }

  private part(peer: string): void {
    this.left.delete(peer)
    this.hangUp(peer)
  }

  /** @returns false when WebRTC is next, which has its own turn. */
  private async dial(one: Acquaintance, kind: DialKind, signal: AbortSignal): Promise<boolean> {
    try {
      const isDone = await this.dials.dial(one, kind, signal)
      if (isDone) this.known.dialSucceeded(one.peer)
      return isDone
    } catch (error) {
      this.known.dialFailed(one.peer, performance.now())
      throw error
    }
  }

  /** Goes on with WebRTC at once where nobody else has that turn. */
  private async dialFully(one: Acquaintance, kind: DialKind): Promise<void> {
    if (await this.dial(one, kind, this.stopped.signal)) return
    const isWanted = this.known.get(one.peer) !== undefined && this.dials.to(one.peer) === undefined
    if (isWanted && this.dials.mayBegin(one.addresses, kind))
      await this.dial(one, kind, this.stopped.signal)
  }

  /** While others are being reached there is no dial to spare for one that is connected. */
  private dialAgain(peer: string): void {
    const one = this.known.get(peer)
    if (one === undefined || this.dials.to(peer) !== undefined) return
    if (this.dials.mayBegin(one.addresses, 'urgent'))
      this.inBackground(this.dialFully(one, 'urgent'))
  }

  private readonly connectionOpened = ({ detail }: CustomEvent<Connection>): void => {
    const { node, isForwarder } = this.needs
    const peer = detail.remotePeer.toString()
    if (isForwarder(peer) || !isDirect(detail)) return
    this.lookout.again()
    if (this.known.get(peer) === undefined && !this.left.has(peer))
      this.left.set(peer, performance.now())
    const kept = choose(directConnections(node, peer), node.peerId.toString() < peer)
    for (const connection of directConnections(node, peer)) {
      if (connection !== kept) this.inBackground(replace(connection))
    }
    // The side that is dialled takes a WebRTC connection for open when the dialling one has given up.
    if (detail.direction === 'inbound' && detail.multiplexer === '/webrtc')
      this.inBackground(this.pulse.check(peer))
  }

  private readonly connectionClosed = ({ detail }: CustomEvent<Connection>): void => {
    const peer = detail.remotePeer.toString()
    if (isDirect(detail) && !this.isMet(peer)) this.left.delete(peer)
    if (this.known.get(peer) === undefined || this.stopped.signal.aborted) return
    if (isDirect(detail)) {
      if (!this.isMet(peer)) this.known.connectionLost(peer, performance.now())
      return
    }
    // The other end of a circuit closes within 0.3 s of a tab's death, WebRTC only after 17 s.
    this.inBackground(this.pulse.check(peer))
  }

  private directPeers(): number {
    const direct = this.needs.node
      .getConnections()
      .filter((connection) => isDirect(connection) && isOpen(connection))
    return new Set(direct.map(({ remotePeer }) => remotePeer.toString())).size
  }

  private hangUp(peer: string): void {
    this.known.hungUp(peer, performance.now())
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

/**
 * The connection to keep of several to one peer. Both ends choose the same one: when they dialled
 * each other at the same time, that of the smaller id, otherwise the newest.
 */
function choose(connections: Connection[], iAmSmaller: boolean): Connection | undefined {
  const byAge = connections.toSorted((a, b) => b.timeline.open - a.timeline.open)
  const [newest, second] = byAge
  if (newest === undefined || second === undefined) return newest
  const crossed =
    newest.direction !== second.direction &&
    newest.timeline.open - second.timeline.open < CROSS_DIAL_MS
  if (!crossed) return newest
  return [newest, second].find(({ direction }) => (direction === 'outbound') === iAmSmaller)
}

/** Ends the streams at once, so that gossip opens a new one on the connection that is kept. */
async function replace(connection: Connection): Promise<void> {
  for (const stream of connection.streams) stream.abort(new Error('there is a newer connection'))
  await closeConnection(connection, CLOSE_TIMEOUT_MS)
}
