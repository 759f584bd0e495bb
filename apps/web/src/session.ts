import type { Manifest } from '@layerswarm/model'
import { createPeer, type Peer, type PeerSnapshot } from '@layerswarm/peer'
import { layersComplaint, type PageOptions } from './logic/page-options.ts'
import { errorText } from './logic/wording.ts'
import type { JoinActions } from './ui/join-panel.ts'

/** How often the page looks at the peer when no event made it look before. */
const LOOK_MS = 500

export interface SessionEvents {
  /** The peer may have changed. */
  looked(snapshot: PeerSnapshot): void
  /** This tab is in the swarm and can ask. */
  joined(peer: Peer): void
  /** This tab is out of the swarm, because it left or because joining failed for the reason given. */
  left(problem: string | undefined): void
}

/**
 * This tab's stay in the swarm: at most one peer at a time.
 *
 * 1. A peer that was replaced or left never reports to the page again.
 * 2. A new peer starts only after the last one has stopped: they share this tab's identity.
 */
export interface Session extends JoinActions {
  /** Plain data; that of an offline peer while there is none. */
  snapshot(): PeerSnapshot
}

/** One peer with what must end when it leaves. */
interface Stay {
  readonly peer: Peer
  readonly signal: AbortSignal
  /** It is in the swarm, and can be told things. */
  joined: boolean
  capacity: number
  end(): void
}

/** @param manifest the model, once the page knows it. */
export function createSession(
  origin: string,
  options: PageOptions,
  manifest: () => Manifest | undefined,
  events: SessionEvents,
): Session {
  const idle = createPeer({ join: origin })
  let current: Stay | undefined
  let stopped: Promise<void> = Promise.resolve()

  function snapshot(): PeerSnapshot {
    return current?.peer.snapshot() ?? { ...idle.snapshot(), reason: 'this tab has not joined' }
  }

  /** Opens a peer, or says why not. */
  function begin(capacity: number) {
    const layers = manifest()?.spec.layers
    const complaint = layers === undefined ? undefined : layersComplaint(options.serve, layers)
    if (complaint !== undefined) return events.left(complaint)
    try {
      current = open(capacity)
      void start(current)
    } catch (error) {
      events.left(errorText(error))
    }
  }

  async function start(stay: Stay) {
    const { peer, signal, capacity } = stay
    events.looked(snapshot())
    try {
      await stopped
      if (current !== stay) return
      await peer.start(signal)
      if (current !== stay) return
      stay.joined = true
      if (stay.capacity !== capacity) peer.setCapacity(stay.capacity)
      events.joined(peer)
    } catch (error) {
      if (current === stay) end(errorText(error))
    }
  }

  function open(capacity: number): Stay {
    const abort = new AbortController()
    const { serve, engine } = options
    const peer = createPeer({ join: origin, serve, capacity, engine })
    const look = () => {
      if (current?.peer === peer) events.looked(peer.snapshot())
    }
    const unsubscribe = peer.on(look)
    const timer = setInterval(look, LOOK_MS)
    const end = () => {
      clearInterval(timer)
      unsubscribe()
      abort.abort(new Error('this tab left'))
    }
    return { peer, signal: abort.signal, joined: false, capacity, end }
  }

  function end(problem: string | undefined) {
    const ending = current
    if (ending === undefined) return
    current = undefined
    ending.end()
    stopped = ending.peer.stop().catch(() => undefined)
    events.looked(snapshot())
    events.left(problem)
  }

  return {
    snapshot,
    join(capacity) {
      if (current === undefined) begin(capacity)
    },
    leave: () => end(undefined),
    pause() {
      if (current?.joined) current.peer.pause()
    },
    resume() {
      if (current?.joined) current.peer.resume()
    },
    setCapacity(layers) {
      if (current === undefined) return
      current.capacity = layers
      if (current.joined) current.peer.setCapacity(layers)
    },
  }
}
