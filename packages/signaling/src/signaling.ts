import { SIGNALING_DEFAULTS, type SignalingOptions } from './options.ts'
import { type Bootstrap, createRun, type Doors, logger, type Run, type RunEvent } from './run.ts'
import { EMPTY_SNAPSHOT, type SignalingSnapshot, type SignalingState } from './snapshot.ts'

/** What a started server tells its owner. */
export interface Ready extends Bootstrap, Doors {
  /** http://host:port or https://host:port, for a browser of this machine. */
  readonly url: string
}

/** What a server tells its owner while it runs. */
export type SignalingEvent =
  | RunEvent
  | { readonly type: 'state-changed'; readonly state: SignalingState }

/** A signaling server that can be started, watched and stopped. */
export interface Signaling {
  /**
   * Starts, or tells about the start already made.
   * @throws SignalingError for whatever keeps it from starting; nothing is left open then.
   */
  start(): Promise<Ready>
  /** Closes every socket and timer. May be called at any time, and `start` again afterwards. */
  stop(): Promise<void>
  on(listener: (event: SignalingEvent) => void): () => void
  snapshot(): SignalingSnapshot
}

/**
 * One process that lets a swarm meet: libp2p bootstrap, relay and presence, HTTP for the page, the
 * releases, health and metrics.
 *
 * 1. It is ready only while libp2p listens and at least one release has passed its check.
 * 2. It carries introductions and presence; no lane and no tensor.
 * 3. After `stop`, or a `start` that failed, no socket, timer or stream of it is left.
 */
export function createSignaling(given: Partial<SignalingOptions> = {}): Signaling {
  const options = { ...SIGNALING_DEFAULTS, ...given }
  const log = logger(options)
  const listeners = new Set<(event: SignalingEvent) => void>()
  let state: SignalingState = 'stopped'
  let run: Run | undefined
  let starting: Promise<Ready> | undefined
  /** Starts and stops run one after the other, however they are called. */
  let queue: Promise<unknown> = Promise.resolve()

  function emit(event: SignalingEvent): void {
    for (const listener of listeners) listener(event)
  }

  function enter(next: SignalingState): void {
    state = next
    emit({ type: 'state-changed', state })
  }

  async function open(): Promise<Ready> {
    const opening = createRun(options, emit)
    run = opening
    enter('starting')
    try {
      const doors = await opening.open()
      enter('ready')
      const { url } = opening.snapshot(state)
      const bootstrap = opening.bootstrap()
      log('info', 'ready', `listening on ${url}`, { peer: bootstrap.peerId })
      return { url, ...doors, ...bootstrap }
    } catch (error) {
      await close()
      throw error
    }
  }

  async function close(): Promise<void> {
    if (run === undefined) return
    const wasReady = state === 'ready'
    enter('stopping')
    await run.close()
    run = undefined
    enter('stopped')
    // A start that failed has its own line, of its caller's.
    if (wasReady) log('info', 'stopped', 'the server has stopped')
  }

  return {
    start() {
      if (starting !== undefined) return starting
      const opening = queue.then(open)
      starting = opening
      queue = opening.catch(() => {
        if (starting === opening) starting = undefined
      })
      return opening
    },
    stop() {
      starting = undefined
      const closing = queue.then(close)
      queue = closing.catch(() => {})
      return closing
    },
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    snapshot: () => run?.snapshot(state) ?? { ...EMPTY_SNAPSHOT, version: options.version, state },
  }
}
