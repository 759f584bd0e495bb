import { within } from '../deadline.ts'
import {
  ALIVE_PING_TIMEOUT_MS,
  DEAD_PING_TIMEOUT_MS,
  PING_STEP_MS,
  REDIAL_INTERVAL_MS,
} from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { directConnection } from '../node/peer-connections.ts'

/** What a peer's silence leads to. */
export interface PulseNeeds {
  node: SwarmNode
  /** Ends every ping. */
  stopped: AbortSignal
  /** A peer is gone, or too busy to count as there. */
  gone(peer: string): void
  /** Makes another connection to a peer; never rejects. */
  dialAgain(peer: string): void
  hangUp(peer: string): void
}

/** How long a peer may be silent. */
export interface PulseOptions {
  /** After so long it counts as gone for now. */
  aliveMs: number
  /** After so long again it is hung up on. */
  deadMs: number
}

/** The times of a peer. */
export const PULSE_DEFAULTS: PulseOptions = Object.freeze({
  aliveMs: ALIVE_PING_TIMEOUT_MS,
  deadMs: DEAD_PING_TIMEOUT_MS,
})

/**
 * Whether a peer that may have left still answers on the connection to it.
 *
 * 1. One that does not answer a ping counts as gone, and is hung up on when it stays silent: it may only be busy.
 * 2. Meanwhile it is dialled anew, at most every REDIAL_INTERVAL_MS: a connection that both sides call open may carry
 *    nothing from the start, and 14 s are long for whoever waits for the only host of a layer.
 * 3. A connection that gave way to another says nothing of its peer.
 * 4. Time in which this thread was held up does not count.
 */
export class Pulse {
  private readonly needs: PulseNeeds
  private readonly options: PulseOptions
  private readonly redialledMs = new Map<string, number>()

  constructor(needs: PulseNeeds, options: Partial<PulseOptions> = {}) {
    this.needs = needs
    this.options = { ...PULSE_DEFAULTS, ...options }
  }

  /** Resolves when it is known; never rejects. */
  async check(peer: string): Promise<void> {
    const { aliveMs, deadMs } = this.options
    if (await this.answers(peer, aliveMs)) return
    this.needs.gone(peer)
    if (this.mayDialAgain(peer, performance.now())) this.needs.dialAgain(peer)
    if (await this.answers(peer, deadMs)) return
    this.needs.hangUp(peer)
  }

  private mayDialAgain(peer: string, nowMs: number): boolean {
    for (const [other, atMs] of this.redialledMs)
      if (nowMs - atMs >= REDIAL_INTERVAL_MS) this.redialledMs.delete(other)
    if (this.redialledMs.has(peer)) return false
    this.redialledMs.set(peer, nowMs)
    return true
  }

  /** Whether a peer answers a ping; one without a direct connection has nothing to prove. */
  private async answers(peer: string, ms: number): Promise<boolean> {
    const { node, stopped } = this.needs
    const connection = directConnection(node, peer)
    if (connection === undefined) return true
    const ping = (signal: AbortSignal) => node.services.ping.ping(connection.remotePeer, { signal })
    try {
      await within(ms, stopped, ping, PING_STEP_MS)
      return true
    } catch {
      return stopped.aborted || directConnection(node, peer) !== connection
    }
  }
}
