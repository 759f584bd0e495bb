import type { Manifest } from '@layerswarm/model'
import type { Peer, PeerEvent, PeerSnapshot } from '@layerswarm/peer'
// Apart from the peer's other code, which is fetched on joining.
import { joinRetry, pause } from '@layerswarm/peer/join-url'
import { idleSnapshot } from '@layerswarm/peer/snapshot'
import { WIRE_DTYPE } from './classifier.ts'
import { PEER_LOOK_INTERVAL_MS, PEER_LOOK_INTERVAL_MS_MIN } from './limits.ts'
import { createContribution } from './logic/contribution.ts'
import {
  AWAY,
  type Download,
  type JoinEvent,
  type Joining,
  joiningText,
  nextJoining,
} from './logic/joining.ts'
import { layersComplaint, type PageOptions } from './logic/page-options.ts'
import { errorText } from './logic/wording.ts'
import type { Hop } from './run.ts'
import type { JoinActions, Share } from './ui/join-panel.ts'

/** What the page hears of this tab's stay in the swarm. */
export interface SessionEvents {
  /** The peer may have changed, or how far joining is; `images` counts those that this tab helped with. */
  looked(snapshot: PeerSnapshot, images: number, joining: Joining): void
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
  /** Nobody waits for it: what fails is tried again. */
  readonly isPatient: boolean
  share: Share
}

/**
 * @param manifest the model, once the page knows it.
 * @param prepare fetches what the peer will need, and tells how far that is.
 */
export function createSession(
  place: SwarmPlace,
  options: PageOptions,
  manifest: () => Manifest | undefined,
  prepare: (signal: AbortSignal, received: (download: Download) => void) => Promise<void>,
  events: SessionEvents,
): Session {
  let contribution = createContribution()
  let current: Stay | undefined
  let joining: Joining = AWAY
  let stopped: Promise<void> = Promise.resolve()

  function snapshot(): PeerSnapshot {
    if (joining.stage === 'away') return idleSnapshot('offline', joiningText(joining))
    const seen = current?.peer?.snapshot()
    // Before it starts, and between two attempts, a peer calls itself offline.
    return seen === undefined || (seen.state === 'offline' && joining.stage !== 'in')
      ? idleSnapshot('joining', joiningText(joining))
      : seen
  }

  const look = () => events.looked(snapshot(), contribution.images, joining)

  /** Something happened to a stay; what happens to one that is over changes nothing. */
  function happen(stay: Stay, event: JoinEvent) {
    if (current !== stay) return
    joining = nextJoining(joining, event)
    look()
  }

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
    const error = await persist(
      stay,
      (signal) => enter(stay, signal),
      (why) => happen(stay, { type: 'put-off', why }),
    )
    if (error !== undefined && current === stay) end(errorText(error))
  }

  /** One attempt. @returns what has kept the tab out; undefined where it joined. */
  async function enter(stay: Stay, signal: AbortSignal): Promise<unknown> {
    const { share } = stay
    happen(stay, { type: 'asked' })
    try {
      const [{ createPeer }] = await Promise.all([
        import('@layerswarm/peer'),
        prepare(signal, (download) => happen(stay, { type: 'received', download })),
        stopped,
      ])
      signal.throwIfAborted()
      const peer = createPeer(peerOptions(place, options, share))
      stay.peer = peer
      happen(stay, { type: 'fetched' })
      follow(peer, signal, happened, look)
      await peer.start(signal)
      signal.throwIfAborted()
      happen(stay, { type: 'joined' })
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
    joining = nextJoining(
      joining,
      problem === undefined ? { type: 'left' } : { type: 'failed', problem },
    )
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
      if (joining.stage === 'in') current?.peer?.pause()
    },
    resume() {
      if (joining.stage === 'in') current?.peer?.resume()
    },
    setShare(share) {
      if (current === undefined) return
      const { peer, share: before } = current
      current.share = share
      if (joining.stage === 'in' && peer !== undefined) give(peer, before, share)
    },
  }
}

function newStay(share: Share, isPatient: boolean): Stay {
  const abort = new AbortController()
  return { abort, peer: undefined, isPatient, share }
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
  waits: (why: string) => void,
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
    waits(retry.line)
    await pause(retry.waitMs, left)
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
