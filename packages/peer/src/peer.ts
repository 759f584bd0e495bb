import { checkPartInput, imageTensor, type Manifest, type Tensor } from '@layerswarm/model'
import type { Classification, ClassifyPolicy, MemberEvent } from '@layerswarm/swarm'
import { decodeImage } from '#images'
import { askSwarm } from './asking.ts'
import { checkCount, checkOptions, checkShare } from './check-options.ts'
import { PeerError } from './errors.ts'
import { type ImageAnswer, type ImageSource, withLabel } from './images/image-source.ts'
import { tellAll } from './listeners.ts'
import { PEER_DEFAULTS, type PeerOptions } from './options.ts'
import { ofOwnRelease } from './own-release.ts'
import type { ServerChange } from './servers/server-state.ts'
import { openSession, type Session } from './session.ts'
import { sessionSnapshot } from './session-snapshot.ts'
import { idleSnapshot, type PeerSnapshot, type PeerState } from './snapshot.ts'

/** Things that happened: what its member reports, and changes of its own state. */
export type PeerEvent =
  | MemberEvent
  | { type: 'state-changed'; state: PeerState; reason: string }
  /** Of a server that is away the others are still there, or it is tried again. */
  | ({ type: 'server-changed' } & ServerChange)
  /** It is not on the allow-list of this one, and was not connected to. */
  | { type: 'peer-refused'; peer: string }

/** One participant of a swarm, in a browser tab or in Node. */
export interface Peer {
  /**
   * Joins: fetches and checks the release, connects, opens the engine. After a failure or a stop it
   * may be called again.
   * @throws PeerError with one clear line; the signal's reason when it was given up.
   */
  start(signal?: AbortSignal): Promise<void>
  /** Leaves the swarm; no timer, stream, socket or worker is left. Idempotent. */
  stop(): Promise<void>
  on(listener: (event: PeerEvent) => void): () => void
  snapshot(): PeerSnapshot
  /**
   * Classifies normalised images (B, channels, size, size) with the swarm's help. The deadline counts from this
   * call, and so does the time of the answer; what is returned can be cancelled at once.
   * @throws PeerError `not-started`; ModelError `bad-shape`; SwarmError `bad-request`. The answer rejects with a
   * SwarmError, or the PeerError of a stem that could not be run.
   */
  classify(images: Tensor, policy?: Partial<ClassifyPolicy>): Promise<Classification>
  /**
   * Classifies one picture as it is: decodes it and turns it into what the release was trained on. Its deadline
   * counts from this call, however long the picture takes to come.
   * @throws PeerError `not-started`, `bad-image` or `unreachable` for an address; SwarmError.
   */
  classifyImage(source: ImageSource, policy?: Partial<ClassifyPolicy>): Promise<ImageAnswer>
  /** The release that it serves. @throws PeerError `not-started` */
  readonly manifest: Manifest
  /** Stops taking work, and stays connected. */
  pause(): void
  resume(): void
  /** How many layers to host in `auto`. */
  setCapacity(layers: number): void
  /** How much of the time layer runs may take, above 0 and at most 1. */
  setTimeShare(share: number): void
}

/**
 * Makes a peer; nothing happens before `start`.
 *
 * 1. It is offline, joining, or part of a swarm (serving or paused).
 * 2. `start` either ends as part of a swarm or leaves nothing open.
 * 3. It never runs a release whose signature or hash it has not checked.
 */
export function createPeer(given: Partial<PeerOptions> & Pick<PeerOptions, 'join'>): Peer {
  return new SwarmPeer(checkOptions({ ...PEER_DEFAULTS, ...given }))
}

class SwarmPeer implements Peer {
  private readonly options: PeerOptions
  private readonly listeners = new Set<(event: PeerEvent) => void>()
  private session: Session | undefined
  private startedMs = 0
  private reason = 'not started'
  private joining: { promise: Promise<void>; controller: AbortController } | undefined
  private leaving: Promise<void> | undefined

  constructor(options: PeerOptions) {
    this.options = options
  }

  async start(signal?: AbortSignal): Promise<void> {
    if (this.leaving !== undefined) await this.leaving
    if (this.session !== undefined) return
    const { promise, controller } = this.joining ?? this.startJoining()
    const follow = () => controller.abort(signal?.reason)
    if (signal?.aborted) follow()
    signal?.addEventListener('abort', follow, { once: true })
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', follow)
    }
  }

  async stop(): Promise<void> {
    if (this.session === undefined && this.joining === undefined) return this.leaving
    this.leaving ??= this.leave().finally(() => {
      this.leaving = undefined
    })
    await this.leaving
  }

  on(listener: (event: PeerEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  snapshot(): PeerSnapshot {
    const { session, joining, reason } = this
    if (session !== undefined) return sessionSnapshot(session, performance.now() - this.startedMs)
    return idleSnapshot(joining === undefined ? 'offline' : 'joining', reason)
  }

  async classify(images: Tensor, policy?: Partial<ClassifyPolicy>): Promise<Classification> {
    const session = this.current()
    checkPartInput(session.manifest.spec, 'stem', images, 0)
    return ofOwnRelease(askSwarm(session, images, policy), session)
  }

  async classifyImage(source: ImageSource, policy?: Partial<ClassifyPolicy>): Promise<ImageAnswer> {
    const session = this.current()
    const { preprocessing, labels } = session.manifest
    const image = async () => imageTensor(await decodeImage(source, preprocessing), preprocessing)
    const asked = ofOwnRelease(askSwarm(session, image, policy), session)
    return withLabel(await asked.answer, labels)
  }

  get manifest(): Manifest {
    return this.current().manifest
  }

  pause(): void {
    this.current().holds.hold('user', 'paused')
    this.changed('paused')
  }

  resume(): void {
    this.current().holds.release('user')
    this.changed('serving again')
  }

  setCapacity(layers: number): void {
    this.current().member.setCapacity(checkCount('capacity', layers))
  }

  setTimeShare(share: number): void {
    this.current().member.setTimeShare(checkShare('timeShare', share))
  }

  private startJoining() {
    const controller = new AbortController()
    // One turn later, so that the first report already finds this peer joining.
    const promise = Promise.resolve().then(() => this.join(controller.signal))
    this.joining = { promise, controller }
    return this.joining
  }

  private async join(signal: AbortSignal): Promise<void> {
    let line = 'part of the swarm'
    try {
      const serverChanged = (change: ServerChange) =>
        this.emit({ type: 'server-changed', ...change })
      const step = (reason: string) => this.changed(reason)
      const peerRefused = (peer: string) => this.emit({ type: 'peer-refused', peer })
      this.session = await openSession(this.options, { step, serverChanged, peerRefused }, signal)
      this.startedMs = performance.now()
      this.session.member.on((event) => this.emit(event))
    } catch (error) {
      line = error instanceof Error ? error.message : String(error)
      throw error
    } finally {
      this.joining = undefined
      this.changed(line)
    }
  }

  private async leave(): Promise<void> {
    this.joining?.controller.abort(new PeerError({ code: 'stopped' }, 'the peer was stopped'))
    await this.joining?.promise.catch(() => undefined)
    const closing = this.session
    this.session = undefined
    await closing?.close()
    this.changed('stopped')
  }

  private current(): Session {
    if (this.session !== undefined) return this.session
    throw new PeerError({ code: 'not-started' }, 'this peer is not part of a swarm; start it first')
  }

  private changed(reason: string): void {
    this.reason = reason
    this.emit({ type: 'state-changed', state: this.snapshot().state, reason })
  }

  private emit(event: PeerEvent): void {
    tellAll(this.listeners, event)
  }
}
