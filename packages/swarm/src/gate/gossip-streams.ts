import { GOSSIP_STREAM_HEARTBEATS_MAX } from '../limits.ts'

/** As libp2p names a neighbour. */
interface Neighbour {
  toString(): string
}

/** What of gossipsub (17.1) opens the streams over which it speaks; its types do not name it. */
export interface Speaking<Connection> {
  /** One for each that it can speak to. */
  readonly streamsOutbound: Map<string, { readonly rawStream: { readonly status: string } }>
  /** Takes a neighbour up, if it is none yet, and has a stream opened by and by. */
  onPeerConnected(neighbour: Neighbour, connection: Connection): void
  /** Where it fails there is no stream; it does not say so. */
  createOutboundStream(neighbour: Neighbour, connection: Connection): Promise<void>
  addEventListener(type: 'gossipsub:heartbeat', listener: () => void): void
  removeEventListener(type: 'gossipsub:heartbeat', listener: () => void): void
}

/**
 * Lets gossipsub speak to every neighbour that it is connected to. By itself it opens its streams one after the other
 * and waits ten seconds for each whose neighbour does not answer, so that one that is busy or stopped keeps it from
 * speaking to all who come after; and it tries once for each connection: where that fails it is mute to a neighbour for as long as
 * they stay connected, and where a stream ends with an older connection it forgets the neighbour. One that the
 * neighbour gives up while it is being opened, as one does that is short of its processor, it keeps for an open one:
 * it hears of the end only of a stream that it has taken already. Here streams are
 * opened side by side, one at a time for each neighbour, and again with the next heartbeat, after failures every
 * second, fourth and so on up to every GOSSIP_STREAM_HEARTBEATS_MAXth.
 * @param connectionTo the open connection to a neighbour over which it may speak, if there is one.
 * @returns ends it.
 */
export function keepSpeaking<Connection>(
  gossip: Speaking<Connection>,
  connectionTo: (neighbour: string) => Connection | undefined,
): () => void {
  const { createOutboundStream } = gossip
  /** Who speaks gossip and is connected. */
  const neighbours = new Map<string, Neighbour>()
  const opening = new Set<string>()
  const waits = createWaits()

  async function open(neighbour: Neighbour, connection: Connection): Promise<void> {
    const name = neighbour.toString()
    neighbours.set(name, neighbour)
    if (opening.has(name)) return
    opening.add(name)
    await createOutboundStream.call(gossip, neighbour, connection).catch(() => undefined)
    opening.delete(name)
    if (isOpen(name)) waits.forget(name)
    else waits.failed(name)
  }

  function isOpen(name: string): boolean {
    return gossip.streamsOutbound.get(name)?.rawStream.status === 'open'
  }

  function look(name: string, neighbour: Neighbour): void {
    const connection = connectionTo(name)
    if (connection === undefined) {
      neighbours.delete(name)
      waits.forget(name)
    } else if (waits.isOver(name)) gossip.onPeerConnected(neighbour, connection)
  }

  function heartbeat(): void {
    for (const [name, neighbour] of neighbours) {
      if (isOpen(name) || opening.has(name)) continue
      gossip.streamsOutbound.delete(name)
      look(name, neighbour)
    }
  }

  // It waits for what this returns before it opens the next one.
  Object.assign(gossip, {
    async createOutboundStream(neighbour: Neighbour, connection: Connection) {
      void open(neighbour, connection)
    },
  })
  gossip.addEventListener('gossipsub:heartbeat', heartbeat)
  return () => {
    gossip.removeEventListener('gossipsub:heartbeat', heartbeat)
    Object.assign(gossip, { createOutboundStream })
  }
}

/** Heartbeats until the next attempt, by neighbour: none before a failure, then twice as many after each. */
function createWaits() {
  const waiting = new Map<string, { failures: number; heartbeats: number }>()
  return {
    forget: (name: string) => void waiting.delete(name),
    failed(name: string): void {
      const failures = (waiting.get(name)?.failures ?? 0) + 1
      const heartbeats = Math.min(2 ** (failures - 1), GOSSIP_STREAM_HEARTBEATS_MAX)
      waiting.set(name, { failures, heartbeats })
    },
    /** Asked once in each heartbeat. */
    isOver(name: string): boolean {
      const one = waiting.get(name)
      return one === undefined || --one.heartbeats <= 0
    },
  }
}
