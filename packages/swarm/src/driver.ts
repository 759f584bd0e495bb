import type { EncodedActivation } from '@layerswarm/model'
import { policyFault } from './claims/policy-fault.ts'
import { Core } from './core.ts'
import { CORE_OPTIONS_DEFAULT } from './core-options.ts'
import type { Effect, Input, MemberEvent } from './effects.ts'
import { SwarmError } from './errors.ts'
import { INLINE_BYTES_MAX, REQUEST_ID_BYTES, SEED_BYTES } from './limits.ts'
import type {
  Classification,
  Member,
  MemberOptions,
  MemberPorts,
  StemOutcome,
  StemRun,
} from './member.ts'
import { Offers } from './offers.ts'
import { OpenRequests } from './open-requests.ts'
import { Outbox } from './outbox.ts'
import {
  CLASSIFY_POLICY_DEFAULT,
  type ClassifyPolicy,
  type Progress,
  policyFor,
} from './request.ts'
import { type RequestFault, requestFault } from './request-fault.ts'
import type { MemberSnapshot } from './snapshot.ts'
import type { Activation, PeerId, RequestId } from './wire/messages.ts'

/**
 * The short driver: performs the effects of a Core on real or simulated ports.
 * @throws SwarmError `bad-policy` for a policy with which members would wait for ever or run nothing.
 */
export function createMember(ports: MemberPorts, options: MemberOptions): Member {
  const fault = options.policy && policyFault(options.policy)
  if (fault !== undefined) throw new SwarmError({ code: 'bad-policy' }, fault)
  return new DrivenMember(ports, options)
}

const NOT_JUDGED = Object.freeze({ fault: 'no other releases are looked at here', isFinal: true })

class DrivenMember implements Member {
  private readonly ports: MemberPorts
  private readonly core: Core
  private readonly shape: MemberOptions['shape']
  private readonly inlineBytes: number
  private readonly listeners = new Set<(event: MemberEvent) => void>()
  private readonly requests = new OpenRequests()
  private readonly pulls = new Map<number, () => void>()
  private readonly offers = new Offers()
  private unlisten: (() => void) | undefined
  private unwake: (() => void) | undefined
  private wakeAtMs = Number.POSITIVE_INFINITY
  private readonly outbox: Outbox
  private readonly judgeRelease: NonNullable<MemberOptions['judgeRelease']>

  constructor(ports: MemberPorts, options: MemberOptions) {
    this.ports = ports
    this.outbox = new Outbox(ports, options.release, (link) => this.core.signed(link))
    this.shape = options.shape
    this.judgeRelease = options.judgeRelease ?? ((_, judged) => judged(NOT_JUDGED))
    this.inlineBytes = Math.min(options.inlineBytes ?? INLINE_BYTES_MAX, INLINE_BYTES_MAX)
    const { transport, compute, clock } = ports
    const given = {
      ...CORE_OPTIONS_DEFAULT,
      ...options,
      self: transport.self,
      reaches: (peer: PeerId) => transport.reaches(peer),
      rttMs: (peer: PeerId) => transport.rttMs(peer),
      neighbours: () => transport.neighbours(),
      accessSpeed: () => transport.accessSpeed(),
      // Read anew each time: an engine that fails gives way to another.
      get backend() {
        return compute.backend
      },
    }
    this.core = new Core(given, clock.nowMs())
  }

  start(): void {
    this.ports.transport.enter(this.core.lane)
    this.unlisten = this.ports.transport.listen({
      messageArrived: (from, message, via) => this.feed({ on: 'message', from, via, message }),
      peerDisconnected: (peer) => this.feed({ on: 'disconnected', peer }),
    })
    this.feed({ on: 'time' })
  }

  leave(): void {
    this.feed({ on: 'left' })
  }

  stop(): void {
    for (const request of this.requests.all()) this.feed({ on: 'cancelled', request })
    this.leave()
    this.unlisten?.()
    this.unwake?.()
    for (const cancel of this.pulls.values()) cancel()
    this.pulls.clear()
    this.listeners.clear()
  }

  on(listener: (event: MemberEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  snapshot(): MemberSnapshot {
    return this.core.snapshot(this.ports.clock.nowMs())
  }

  classify(
    stem: EncodedActivation | StemRun,
    policy: Partial<ClassifyPolicy> = {},
  ): Classification {
    const { request, send } = this.prepare(stem, policy)
    const listeners = new Set<(progress: Progress) => void>()
    const answer = this.requests.promise(request, listeners)
    send()
    return {
      request,
      answer,
      onProgress: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      cancel: () => this.feed({ on: 'cancelled', request }),
    }
  }

  ask(stem: EncodedActivation, policy: Partial<ClassifyPolicy> = {}): RequestId {
    const { request, send } = this.prepare(stem, policy)
    this.requests.note(request)
    send()
    return request
  }

  /** Checks a request and gives it a name; `send` sends it off. @throws SwarmError `bad-request`. */
  private prepare(
    stem: EncodedActivation | StemRun,
    policy: Partial<ClassifyPolicy>,
  ): { request: RequestId; send: () => void } {
    const { self } = this.ports.transport
    const given = policyFor({ ...CLASSIFY_POLICY_DEFAULT, ...policy }, this.shape)
    const wanted = { ...given, avoid: given.avoid.filter((peer) => peer !== self) }
    const request = hexOf(this.ports.random.bytes(REQUEST_ID_BYTES)) as RequestId
    const isHere = typeof stem !== 'function'
    const fault = this.faultOf(request, isHere ? stem : undefined, wanted)
    if (fault !== undefined)
      throw new SwarmError({ code: 'bad-request', field: fault.field }, fault.message)
    const send = () => {
      const seed = hexOf(this.ports.random.bytes(SEED_BYTES))
      this.feed({ on: 'asked', request, policy: wanted, seed })
      if (isHere) this.offerStem(request, stem)
      else stem((outcome) => this.stemRan(request, wanted, outcome))
    }
    return { request, send }
  }

  private stemRan(request: RequestId, policy: ClassifyPolicy, outcome: StemOutcome): void {
    // Its time may be over, or nobody wants it any more.
    if (!this.requests.has(request)) return
    const isRun = 'stem' in outcome
    const reason = isRun ? this.faultOf(request, outcome.stem, policy)?.message : outcome.failure
    if (reason === undefined && isRun) this.offerStem(request, outcome.stem)
    else this.feed({ on: 'stem-failed', request, reason: reason ?? '' })
  }

  private offerStem(request: RequestId, stem: EncodedActivation): void {
    const reason = 'there is no room for its output, too many requests are open'
    this.asActivation(stem, this.inlineBytes, (activation) =>
      this.feed(
        activation === undefined
          ? { on: 'stem-failed', request, reason }
          : { on: 'stem-ready', request, activation },
      ),
    )
  }

  private faultOf(
    request: RequestId,
    stem: EncodedActivation | undefined,
    policy: ClassifyPolicy,
  ): RequestFault | undefined {
    const { self } = this.ports.transport
    return requestFault({ request, self, stem, policy }, this.shape)
  }

  pause(): void {
    this.feed({ on: 'paused', paused: true })
  }

  resume(): void {
    this.feed({ on: 'paused', paused: false })
  }

  setCapacity(layers: number): void {
    this.feed({ on: 'capacity-set', layers })
  }

  setTimeShare(share: number): void {
    this.feed({ on: 'time-share-set', share })
  }

  private feed(input: Input): void {
    const nowMs = this.ports.clock.nowMs()
    for (const effect of this.core.handle(input, nowMs)) this.perform(effect)
    this.wakeAt(this.core.wakeAtMs())
  }

  /** Makes sure to be woken by then. A timer that is set for earlier looks again when it fires. */
  private wakeAt(atMs: number): void {
    if (atMs >= this.wakeAtMs && atMs !== Number.POSITIVE_INFINITY) return
    if (atMs === this.wakeAtMs) return
    this.unwake?.()
    this.unwake = undefined
    this.wakeAtMs = atMs
    if (atMs === Number.POSITIVE_INFINITY) return
    this.unwake = this.ports.clock.wakeAt(atMs, () => {
      this.wakeAtMs = Number.POSITIVE_INFINITY
      const dueAtMs = this.core.wakeAtMs()
      if (dueAtMs > this.ports.clock.nowMs()) this.wakeAt(dueAtMs)
      else this.feed({ on: 'time' })
    })
  }

  private perform(effect: Effect): void {
    const { transport, compute } = this.ports
    switch (effect.do) {
      case 'publish':
      case 'tell':
      case 'push':
      case 'ask-again':
        return this.outbox.send(effect)
      case 'verify':
        return transport.verify(effect.statements, (isTrue) =>
          this.feed({ on: 'verified', job: effect.job, isTrue }),
        )
      case 'pull':
        return this.pull(effect)
      case 'cancel':
        this.pulls.get(effect.job.number)?.()
        this.pulls.delete(effect.job.number)
        return
      case 'prepare':
        return this.asActivation(effect.tensor, this.inlineBytes, (activation) =>
          this.feed({ on: 'prepared', job: effect.job, activation }),
        )
      case 'enter':
        return transport.enter(effect.lane)
      case 'count-lanes':
        return transport.countLanes((lanes) => this.feed({ on: 'lanes-counted', lanes }))
      case 'ban':
        return transport.ban(effect.peer)
      case 'run-layer':
        return compute.run(effect.layer, effect.hop, effect.input, (outcome) =>
          this.feed({ on: 'layer-run', job: effect.job, outcome }),
        )
      case 'run-head':
        return compute.runHead(effect.input, (outcome) =>
          this.feed({ on: 'head-run', job: effect.job, outcome }),
        )
      case 'keep':
        return this.offers.offered(effect.hash)
      case 'withdraw':
        if (this.offers.withdrawn(effect.hash)) transport.withdraw(effect.hash)
        return
      case 'host-layer':
        return compute.host(effect.layer, (failure) =>
          this.feed({ on: 'layer-hosted', layer: effect.layer, failure }),
        )
      case 'drop-layer':
        return compute.drop(effect.layer)
      case 'judge-release':
        return this.judgeRelease(effect.release, (judgement) =>
          this.feed({ on: 'release-judged', release: effect.release, judgement }),
        )
      case 'report':
        return this.report(effect.event)
      default:
        effect satisfies never
    }
  }

  private pull({ job, tensor, isAwaited }: Extract<Effect, { do: 'pull' }>): void {
    let open = true
    // A tensor that was to be pushed is asked for now.
    this.pulls.get(job.number)?.()
    const cancel = this.ports.transport.pull(tensor, isAwaited, (bytes) => {
      open = false
      this.pulls.delete(job.number)
      this.feed({ on: 'pulled', job, bytes })
    })
    if (open) this.pulls.set(job.number, cancel)
  }

  /** Small tensors travel in the message; larger ones are offered for pulling. */
  private asActivation(
    tensor: EncodedActivation,
    inlineBytes: number,
    ready: (activation: Activation | undefined) => void,
  ): void {
    const { dtype, bytes } = tensor
    const [batch, tokens, width] = tensor.shape
    if (bytes.length <= inlineBytes)
      return ready({ place: 'inline', dtype, batch, tokens, width, bytes })
    const { transport } = this.ports
    transport.offer(bytes, (hash) => {
      const held = {
        place: 'held',
        dtype,
        batch,
        tokens,
        width,
        size: bytes.length,
        holder: transport.self,
      } as const
      if (hash !== undefined) this.offers.offered(hash)
      ready(hash === undefined ? undefined : { ...held, hash })
    })
  }

  private report(event: MemberEvent): void {
    this.requests.heard(event)
    for (const listener of this.listeners) listener(event)
  }
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
