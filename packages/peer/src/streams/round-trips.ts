import type { Connection, PeerId as Libp2pPeerId } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { pause, within } from '../deadline.ts'
import {
  ALIVE_PING_TIMEOUT_MS,
  PING_BYTES,
  PING_STREAMS_MAX,
  RTT_ATTEMPTS_MAX,
  RTT_FIRST_PINGS,
  RTT_MEASURED_AT_ONCE_MAX,
  RTT_RETRY_MS,
  RTT_WEIGHT,
} from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { directConnection, isDirect } from '../node/peer-connections.ts'
import { createTurns } from './turns.ts'

/** The ping of libp2p (specs, ping): PING_BYTES, sent back as they are. */
const PING_PROTOCOL = '/ipfs/ping/1.0.0'

/**
 * How far away each directly connected peer is.
 *
 * 1. A new connection is measured at once, at most RTT_MEASURED_AT_ONCE_MAX of them at a time;
 *    from then on libp2p's connection monitor measures it, and what it finds is smoothed.
 * 2. A peer is forgotten when its last direct connection goes.
 * 3. Nothing is sent after `stop`.
 */
export interface RoundTrips {
  start(): void
  stop(): void
  /** There and back of a small message, smoothed, milliseconds; undefined while it is not measured. */
  ms(peer: string): number | undefined
}

interface Way {
  /** The newest one. */
  connection: Connection
  /** Undefined until the first measurement. */
  ms: number | undefined
  /** What the monitor said last. */
  monitored: number | undefined
}

/** Measures nothing before `start`. */
export function createRoundTrips(node: SwarmNode): RoundTrips {
  const ways = new Map<string, Way>()
  const turns = createTurns(RTT_MEASURED_AT_ONCE_MAX)
  const stopped = new AbortController()

  const opened = ({ detail }: CustomEvent<Connection>) => note(detail)
  function note(connection: Connection): void {
    if (!isDirect(connection)) return
    const peer = connection.remotePeer.toString()
    const known = ways.get(peer)
    const way = { connection, ms: known?.ms, monitored: connection.rtt }
    ways.set(peer, way)
    measure(way, peer).catch(() => undefined)
  }
  const closed = ({ detail }: CustomEvent<{ remotePeer: Libp2pPeerId }>) => {
    const peer = detail.remotePeer.toString()
    const way = ways.get(peer)
    if (way === undefined) return
    const other = directConnection(node, peer)
    if (other === undefined) ways.delete(peer)
    else if (other !== way.connection) {
      way.connection = other
      way.monitored = other.rtt
    }
  }

  /** Never rejects but for `stop`: who cannot be measured now is left to the monitor. */
  async function measure(way: Way, peer: string): Promise<void> {
    await turns.take('measuring', stopped.signal)
    try {
      for (let attempt = 0; attempt < RTT_ATTEMPTS_MAX && ways.get(peer) === way; attempt++) {
        const ms = await fastestPing(way.connection, stopped.signal).catch(() => undefined)
        if (ms !== undefined) {
          take(way, ms)
          return
        }
        await pause(RTT_RETRY_MS, stopped.signal)
      }
    } finally {
      turns.give('measuring')
    }
  }

  return {
    start() {
      for (const connection of node.getConnections()) note(connection)
      node.addEventListener('connection:open', opened)
      node.addEventListener('connection:close', closed)
    },
    stop() {
      stopped.abort(new Error('the peer stopped'))
      node.removeEventListener('connection:open', opened)
      node.removeEventListener('connection:close', closed)
      ways.clear()
    },
    ms(peer) {
      const way = ways.get(peer)
      if (way === undefined) return undefined
      const { rtt } = way.connection
      if (rtt !== undefined && rtt !== way.monitored) {
        way.monitored = rtt
        take(way, rtt)
      }
      return way.ms
    },
  }
}

/** RFC 6298: the first measurement as it is, each further one as a part. Never 0, which would mean no way at all. */
function take(way: Way, ms: number): void {
  const before = way.ms
  const smoothed = before === undefined ? ms : before + (ms - before) * RTT_WEIGHT
  way.ms = Math.max(smoothed, Number.EPSILON)
}

/** The fastest of a few round trips on one stream, milliseconds. @throws Error when the stream breaks, the time is up, or what comes back is not what was sent. */
function fastestPing(connection: Connection, parent: AbortSignal): Promise<number> {
  return within(ALIVE_PING_TIMEOUT_MS, parent, async (signal) => {
    const stream = await connection.newStream(PING_PROTOCOL, {
      signal,
      runOnLimitedConnection: false,
      maxOutboundStreams: PING_STREAMS_MAX,
    })
    try {
      const bytes = byteStream(stream)
      let fastestMs = Number.POSITIVE_INFINITY
      for (let ping = 0; ping < RTT_FIRST_PINGS; ping++) {
        const startMs = performance.now()
        const sent = crypto.getRandomValues(new Uint8Array(PING_BYTES))
        const [, echo] = await Promise.all([
          bytes.write(sent, { signal }),
          bytes.read({ bytes: PING_BYTES, signal }),
        ])
        // Whoever answers before it was asked would be nearer than everybody.
        if (echo.slice().some((byte, i) => byte !== sent[i])) throw new Error('a ping of its own')
        fastestMs = Math.min(fastestMs, performance.now() - startMs)
      }
      await stream.close({ signal })
      return fastestMs
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  })
}
