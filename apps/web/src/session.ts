import type { Manifest } from '@layerswarm/model'
import type { Peer, PeerEvent, PeerSnapshot } from '@layerswarm/peer'
// Apart from the peer's other code, which is fetched on joining.
import { joinRetry, pause } from '@layerswarm/peer/join-url'
import { idleSnapshot } from '@layerswarm/peer/snapshot'
import { WIRE_DTYPE } from './classifier.ts'
import { PEER_LOOK_INTERVAL_MS, PEER_LOOK_INTERVAL_MS_MIN } from './limits.ts'
import { createContribution } from './logic/contribution.ts'
import { layersComplaint, type PageOptions } from './logic/page-options.ts'
import { errorText } from './logic/wording.ts'
import type { Hop } from './run.ts'
import type { JoinActions, Share } from './ui/join-panel.ts'

/** What the page hears of this tab's stay in the swarm. */
export interface SessionEvents {
  /** The peer may have changed; `images` counts those that this tab helped with. */
  looked(snapshot: PeerSnapshot, images: number): void
  /** A request in the swarm, of this tab or of others, has come this far. */
  moved(request: string, route: readonly Hop[]): void
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
 * 3. The network's code is fetched on the first joining and not before.
 */
export interface Session extends JoinActions {
  /** Joins without a person who waits for it: while the servers are away it tries again, until somebody leaves. */
  autojoin(share: Share): void
  /** Plain data; that of an offline peer while there is none. */
  snapshot(): PeerSnapshot
}

/** Which swarm a tab joins. */
export interface SwarmPlace {
  /** URLs of its servers, as far as the page knows them. */
  servers(): readonly string[]
  /** Its key, good or bad; undefined where everybody may come. */
  readonly swarmKey: string | undefined
}

/** One stay with what must end when it ends. */
interface Stay {
  readonly abort: AbortController
  /** undefined until the network's code is here. */
  peer: Peer | undefined
  /** It is in the swarm, and can be told things. */
  joined: boolean
  /** Nobody waits for it: what fails is tried again. */
  readonly isPatient: boolean
  /** Why it has not joined yet, and when it tries again; undefined while it does. */
  waiting: string | undefined
  share: Share
}

/**
 * @param manifest the model, once the page knows it.
 * @param prepare fetches what the peer will need, so that the page can show how far that is.
 */
export function createSession(
  place: SwarmPlace,
  options: PageOptions,
  manifest: () => Manifest | undefined,
  prepare: (signal: AbortSignal) => Promise<void>,
  events: SessionEvents,
): Session {
  let contribution = createContribution()
  let current: Stay | undefined
  let stopped: Promise<void> = Promise.resolve()

  function snapshot(): PeerSnapshot {
    if (current === undefined) return idleSnapshot('offline', 'this tab has not joined')
    return current.peer?.snapshot() ?? idleSnapshot('joining', current.waiting ?? FETCHING)
  }

  const look = () => events.looked(snapshot(), contribution.images)

  /** Begins a stay, or says why not; nothing where there is one. */
  function begin(share: Share, isPatient: boolean) {
    if (current !== undefined) return
    const layers = manifest()?.spec.layers
    const complaint = layers === undefined ? undefined : layersComplaint(options.serve, layers)
    if (complaint !== undefined) return events.left(complaint)
    contribution = createContribution()
    current = newStay(share, isPatient)
    void start(current)
  }

  async function start(stay: Stay) {
    const error = await persist(stay, (signal) => enter(stay, signal), look)
    if (error !== undefined && current === stay) end(errorText(error))
  }

  /** One attempt. @returns what has kept the tab out; undefined where it joined. */
  async function enter(stay: Stay, signal: AbortSignal): Promise<unknown> {
    const { share } = stay
    look()
    try {
      const [{ createPeer }] = await Promise.all([import('@layerswarm/peer'), stopped])
      signal.throwIfAborted()
      const peer = createPeer(peerOptions(place, options, share))
      stay.peer = peer
      follow(peer, signal, happened, look)
      await prepare(signal)
      await peer.start(signal)
      signal.throwIfAborted()
      stay.joined = true
      give(peer, share, stay.share)
      events.joined(peer)
      return undefined
    } catch (error) {
      return error
    }
  }

  function happened(event: PeerEvent) {
    if (event.type === 'hop-served') contribution.served(event.request)
    if (event.type === 'step-seen') events.moved(event.request, event.route)
  }

  function end(problem: string | undefined) {
    const ending = current
    if (ending === undefined) return
    current = undefined
    ending.abort.abort(new Error('this tab left'))
    stopped = ending.peer?.stop().catch(() => undefined) ?? stopped
    look()
    events.left(problem)
  }

  return {
    snapshot,
    join: (share) => begin(share, false),
    autojoin: (share) => begin(share, true),
    leave: () => end(undefined),
    pause() {
      if (current?.joined) current.peer?.pause()
    },
    resume() {
      if (current?.joined) current.peer?.resume()
    },
    setShare(share) {
      if (current === undefined) return
      const { joined, peer, share: before } = current
      current.share = share
      if (joined && peer !== undefined) give(peer, before, share)
    },
  }
}

/** What a tab does that has no peer yet. */
const FETCHING = 'fetching the network code'

function newStay(share: Share, isPatient: boolean): Stay {
  const abort = new AbortController()
  return { abort, peer: undefined, joined: false, isPatient, waiting: undefined, share }
}

function peerOptions(
  { servers, swarmKey }: SwarmPlace,
  { serve, engine }: PageOptions,
  { layers, time }: Share,
) {
  return {
    ...{ join: servers(), swarmKey, serve, engine, wireDtype: WIRE_DTYPE },
    ...{ capacity: layers, timeShare: time },
  }
}

/** Only what was changed: layers that the address names stay hosted whatever the time. */
function give(peer: Peer, before: Share, { layers, time }: Share): void {
  if (layers !== before.layers) peer.setCapacity(layers)
  if (time !== before.time) peer.setTimeShare(time)
}

/**
 * Attempts to join until one succeeds, the stay is left, or waiting mends nothing.
 * @param waits told that the stay waits for the next one. @returns what has kept the tab out at last, if anything.
 */
async function persist(
  stay: Stay,
  attempt: (signal: AbortSignal) => Promise<unknown>,
  waits: () => void,
): Promise<unknown> {
  const left = stay.abort.signal
  for (let failures = 0; ; failures++) {
    const ended = new AbortController()
    const error = await attempt(AbortSignal.any([left, ended.signal]))
    if (error === undefined || left.aborted) return error
    ended.abort(error)
    const retry = stay.isPatient ? joinRetry(error, failures) : undefined
    if (retry === undefined) return error
    // Two peers of one tab would share its identity.
    await stay.peer?.stop().catch(() => undefined)
    if (left.aborted) return error
    stay.peer = undefined
    stay.waiting = retry.line
    waits()
    await pause(retry.waitMs, left)
    stay.waiting = undefined
    if (left.aborted) return error
  }
}

/** Passes on what happens to a peer, and looks at it from time to time and soon after an event. */
function follow(
  peer: Peer,
  signal: AbortSignal,
  happened: (event: PeerEvent) => void,
  look: () => void,
): void {
  let soon: ReturnType<typeof setTimeout> | undefined
  const lookNow = () => {
    soon = undefined
    look()
  }
  const unsubscribe = peer.on((event) => {
    happened(event)
    if (event.type === 'state-changed') lookNow()
    else soon ??= setTimeout(lookNow, PEER_LOOK_INTERVAL_MS_MIN)
  })
  const timer = setInterval(lookNow, PEER_LOOK_INTERVAL_MS)
  signal.addEventListener('abort', () => {
    clearInterval(timer)
    clearTimeout(soon)
    unsubscribe()
  })
}
