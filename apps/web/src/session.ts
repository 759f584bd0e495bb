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
  type JoinProblem,
  joiningText,
  nextJoining,
} from './logic/joining.ts'
import { layersComplaint, type PageOptions } from './logic/page-options.ts'
import { noJoinText } from './logic/plain-words.ts'
import { errorText } from './logic/wording.ts'
import type { Hop } from './run.ts'
import type { JoinActions, Share } from './ui/join-panel.ts'

/** What the page hears of this tab's stay in the swarm. */
export interface SessionEvents {
  /** The peer may have changed, or how far joining is; `images` counts those that this tab helped with. */
  looked(snapshot: PeerSnapshot, images: number, joining: Joining): void
  /** A request in the swarm, of this tab or of others, has come this far. */
  moved(request: string, route: readonly Hop[]): void
  /** A request of this tab's own has come this far: so many of its route ran at once, round by round. */
  movedInRounds(request: string, route: readonly Hop[], rounds: readonly number[]): void
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

/** What a session is made of. */
export interface SessionNeeds {
  readonly place: SwarmPlace
  readonly options: PageOptions
  /** The model, once the page knows it. */
  manifest(): Manifest | undefined
  /** Fetches what the peer will need, and tells how far that is. */
  prepare(signal: AbortSignal, received: (download: Download) => void): Promise<void>
  readonly events: SessionEvents
}

/** A tab that has not joined. */
export function createSession(needs: SessionNeeds): Session {
  const session = new TabSession(needs)
  return {
    snapshot: () => session.snapshot(),
    join: (share) => session.begin(share, false),
    autojoin: (share) => session.begin(share, true),
    leave: () => session.end(undefined),
    pause: () => session.inSwarm?.pause(),
    resume: () => session.inSwarm?.resume(),
    setShare: (share) => session.setShare(share),
  }
}

class TabSession {
  private readonly needs: SessionNeeds
  private contribution = createContribution()
  private current: Stay | undefined
  private joining: Joining = AWAY
  private stopped: Promise<void> = Promise.resolve()

  constructor(needs: SessionNeeds) {
    this.needs = needs
  }

  snapshot(): PeerSnapshot {
    const { joining } = this
    if (joining.stage === 'away') return idleSnapshot('offline', joiningText(joining))
    // The network opens meanwhile; what takes long is what is told.
    if (joining.stage === 'fetching') return idleSnapshot('joining', joiningText(joining))
    const seen = this.current?.peer?.snapshot()
    // Before it starts, and between two attempts, a peer calls itself offline.
    return seen === undefined || (seen.state === 'offline' && joining.stage !== 'in')
      ? idleSnapshot('joining', joiningText(joining))
      : seen
  }

  /** The peer, where it is in the swarm and can be told things. */
  get inSwarm(): Peer | undefined {
    return this.joining.stage === 'in' ? this.current?.peer : undefined
  }

  /** Begins a stay, or says why not; nothing where there is one. */
  begin(share: Share, isPatient: boolean): void {
    if (this.current !== undefined) return
    const { manifest, options, events } = this.needs
    const layers = manifest()?.spec.layers
    const complaint = layers === undefined ? undefined : layersComplaint(options.serve, layers)
    if (complaint !== undefined) return events.left(complaint)
    this.contribution = createContribution()
    const stay = newStay(share, isPatient)
    this.current = stay
    void this.start(stay)
  }

  end(problem: JoinProblem | undefined): void {
    const ending = this.current
    if (ending === undefined) return
    const event: JoinEvent = problem === undefined ? { type: 'left' } : { type: 'failed', problem }
    this.joining = nextJoining(this.joining, event)
    this.current = undefined
    ending.abort.abort(new Error('this tab left'))
    this.stopped = ending.peer?.stop().catch(() => undefined) ?? this.stopped
    this.look()
    this.needs.events.left(problem?.line)
  }

  setShare(share: Share): void {
    if (this.current === undefined) return
    const before = this.current.share
    this.current.share = share
    if (this.inSwarm !== undefined) give(this.inSwarm, before, share)
  }

  private readonly look = (): void => {
    this.needs.events.looked(this.snapshot(), this.contribution.images, this.joining)
  }

  /** Something happened to a stay; what happens to one that is over changes nothing. */
  private happen(stay: Stay, event: JoinEvent): void {
    if (this.current !== stay) return
    this.joining = nextJoining(this.joining, event)
    this.look()
  }

  private async start(stay: Stay): Promise<void> {
    const error = await persist(
      stay,
      (signal) => this.enter(stay, signal),
      (why) => this.happen(stay, { type: 'put-off', why }),
    )
    if (error !== undefined && this.current === stay)
      this.end({ line: noJoinText(error), detail: errorText(error) })
  }

  /** One attempt. @returns what has kept the tab out; undefined where it joined. */
  private async enter(stay: Stay, signal: AbortSignal): Promise<unknown> {
    const { place, options, prepare, events } = this.needs
    const { share } = stay
    this.happen(stay, { type: 'asked' })
    try {
      const prepared = prepare(signal, (download) =>
        this.happen(stay, { type: 'received', download }),
      )
      // Where the network does not open either, that is what is told.
      prepared.catch(() => undefined)
      const [{ createPeer }] = await Promise.all([import('@layerswarm/peer'), this.stopped])
      signal.throwIfAborted()
      const beforeEngine = async () => {
        await prepared
        signal.throwIfAborted()
        this.happen(stay, { type: 'fetched' })
      }
      const peer = createPeer({ ...peerOptions(place, options, share), beforeEngine })
      stay.peer = peer
      follow(peer, signal, (event) => this.happened(event), this.look)
      await peer.start(signal)
      signal.throwIfAborted()
      this.happen(stay, { type: 'joined' })
      give(peer, share, stay.share)
      events.joined(peer)
      return undefined
    } catch (error) {
      return error
    }
  }

  private happened(event: PeerEvent): void {
    if (event.type === 'hop-served') this.contribution.served(event.request)
    if (event.type === 'step-seen') this.needs.events.moved(event.request, event.route)
    if (event.type === 'progressed' && event.rounds.length > 0)
      this.needs.events.movedInRounds(event.request, event.route, event.rounds)
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
