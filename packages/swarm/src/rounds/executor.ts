import { activationBytes, type EncodedActivation, type EngineName, sha256 } from '@layerswarm/model'
import type { RoundArithmetic, Summing } from '../audits/round-arithmetic.ts'
import { type CoreEffect, type Effect, withdrawn } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import { DEADLINE_MS_MAX } from '../limits.ts'
import type { LayerOutcome } from '../ports.ts'
import type { Errands } from '../provider/errands.ts'
import type {
  Activation,
  HeldActivation,
  PeerId,
  RequestId,
  Round,
  RoundTensor,
  TensorHash,
  Update,
} from '../wire/messages.ts'
import { SUMS_HELD_MAX } from './limits.ts'

/** Layers of a round and how long each took, milliseconds. */
export type LayersRun = Update['layers']

/** What an executor has made for a hub that is this member itself; without a sum it could not. */
export interface OwnSum {
  readonly request: RequestId
  readonly round: number
  readonly layers: LayersRun
  readonly sum: EncodedActivation | undefined
}

/** Who runs what, and with what. */
export interface ExecutorOptions {
  readonly self: PeerId
  readonly backend: EngineName
  /** Layer runs accepted at once. */
  readonly slots: number
}

/** What an executor works with. */
export interface ExecutorNeeds {
  readonly hosted: ReadonlySet<number>
  readonly errands: Errands
  readonly arithmetic: RoundArithmetic
  readonly nextJob: () => JobId
  /** A sum for this member's own hub is ready. */
  readonly ready: (own: OwnSum, nowMs: number) => CoreEffect[]
}

interface Task {
  readonly id: JobId
  readonly hub: PeerId
  readonly request: RequestId
  readonly round: number
  readonly layers: readonly number[]
  readonly inputName: TensorHash
  /** When its request ends at the latest, milliseconds. */
  readonly endsAtMs: number
  /** As it was asked for; the bytes of one that is held elsewhere come later. */
  input: EncodedActivation
  summing: Summing | undefined
  readonly ran: { layer: number; ms: number }[]
  stage: 'pulling' | 'running' | 'preparing' | 'held'
  /** Nobody wants it any more: it waits for the end of a run that cannot be stopped. */
  isGivenUp: boolean
  output: Activation | undefined
}

/**
 * Runs layers of a round for its hub, all on the one input, and sends back the sum of their updates.
 *
 * 1. It runs only layers that it hosts, on an input whose hash is the one that the hub named.
 * 2. A share takes one slot from when it is taken on until its layers have run; of all slots half are for
 *    other hubs.
 * 3. Of one request it works on one round: the latest.
 * 4. What it cannot do it says at once. At most SUMS_HELD_MAX sums are kept, until their hub is done, begins
 *    another round or is gone, or the request's time is over.
 */
export class Executor {
  private readonly options: ExecutorOptions
  private readonly needs: ExecutorNeeds
  private readonly tasks = new Map<number, Task>()

  constructor(options: ExecutorOptions, needs: ExecutorNeeds) {
    this.options = options
    this.needs = needs
  }

  /** Shares in hand, sums that are kept included. */
  get size(): number {
    return this.tasks.size
  }

  /** A hub asks for layers. */
  onRound(hub: PeerId, message: Round, nowMs: number): CoreEffect[] {
    const { request, round, input } = message
    const effects = this.letGo((task) => this.isOf(task, hub, request) && task.round < round, nowMs)
    const layers = message.layers.filter((layer) => this.needs.hosted.has(layer))
    if (layers.length === 0 || !this.hasRoomFor(hub, nowMs))
      return effects.concat(this.declined(hub, request, round, nameOf(input)))
    const { remainingMs } = message
    const x = encodedRound(input)
    const of = { hub, request, round, layers, remainingMs, inputName: nameOf(input), input: x }
    const task = this.begin(of, nowMs)
    if (input.place === 'inline') return effects.concat(this.run(task, x, nowMs))
    const tensor: HeldActivation = { ...input, holder: hub }
    return [...effects, { do: 'pull', job: task.id, tensor, isAwaited: true }]
  }

  /** This member's own hub asks for layers. @returns undefined where it cannot run them now. */
  runOwn(
    of: { readonly request: RequestId; readonly round: number; readonly remainingMs: number },
    layers: readonly number[],
    input: EncodedActivation,
    nowMs: number,
  ): CoreEffect[] | undefined {
    const isHosted = layers.every((layer) => this.needs.hosted.has(layer))
    if (!isHosted || !this.needs.errands.isFree(nowMs)) return undefined
    const own = { hub: this.options.self, ...of, layers, inputName: '' as TensorHash, input }
    return this.run(this.begin(own, nowMs), input, nowMs)
  }

  owns(id: JobId): boolean {
    return this.tasks.has(id.number)
  }

  /** The input of a share is here, or cannot be had. */
  onPulled(id: JobId, bytes: Uint8Array | undefined, nowMs: number): CoreEffect[] {
    const task = this.tasks.get(id.number)
    if (task === undefined || task.stage !== 'pulling') return []
    if (bytes === undefined) return this.failed(task, nowMs)
    return this.run(task, { ...task.input, bytes }, nowMs)
  }

  /** The engine has run a layer of a share, or has failed. */
  onLayerRun(id: JobId, outcome: LayerOutcome, nowMs: number): CoreEffect[] {
    const task = this.tasks.get(id.number)
    if (task === undefined || task.stage !== 'running') return []
    const { errands } = this.needs
    const layer = task.layers[task.ran.length] as number
    if ('failure' in outcome) {
      errands.runEnded(true, nowMs)
      const { request, round: hop } = task
      const { failure: reason } = outcome
      return [
        { do: 'report', event: { type: 'hop-failed', request, hop, layer, reason } },
        ...this.failed(task, nowMs),
      ]
    }
    const { ms, activation } = outcome
    errands.ran(ms, !task.isGivenUp)
    if (!task.isGivenUp) {
      task.summing?.take(activation)
      task.ran.push({ layer, ms })
      if (task.ran.length < task.layers.length) return [this.next(task)]
    }
    errands.runEnded(false, nowMs)
    return task.isGivenUp ? this.forget(task, nowMs) : this.summed(task, nowMs)
  }

  /** A sum can be had from here, or there is no room for it. */
  onPrepared(id: JobId, output: Activation | undefined, nowMs: number): CoreEffect[] {
    const task = this.tasks.get(id.number)
    if (task === undefined || task.stage !== 'preparing') return withdrawn(output)
    if (output === undefined) return this.failed(task, nowMs)
    const { hub, request, round, inputName: input, ran: layers } = task
    const { backend } = this.options
    const said = { kind: 'update', request, round, input, backend, layers } as const
    const sum = asRoundTensor(output)
    const told: Effect[] = [{ do: 'tell', message: { ...said, sum }, to: [hub] }]
    const reports = this.reports(task)
    if (output.place === 'inline') {
      this.tasks.delete(id.number)
      return [...told, ...reports]
    }
    task.stage = 'held'
    task.output = output
    return [...told, { do: 'push', hash: output.hash, to: hub }, ...reports, ...this.makeRoom()]
  }

  /** A hub needs nothing more for its request. */
  onDone(hub: PeerId, request: RequestId, nowMs: number): CoreEffect[] {
    return this.letGo((task) => this.isOf(task, hub, request), nowMs)
  }

  /** Whoever is gone needs nothing. */
  onDisconnected(peer: PeerId, nowMs: number): CoreEffect[] {
    return this.letGo(({ hub }) => hub === peer, nowMs)
  }

  onTime(nowMs: number): CoreEffect[] {
    return this.letGo(({ endsAtMs }) => nowMs >= endsAtMs, nowMs)
  }

  /** When `onTime` is due next, milliseconds. */
  wakeAtMs(): number {
    let at = Number.POSITIVE_INFINITY
    for (const { endsAtMs, isGivenUp } of this.tasks.values())
      if (!isGivenUp) at = Math.min(at, endsAtMs)
    return at
  }

  private begin(
    of: Pick<Task, 'hub' | 'request' | 'round' | 'layers' | 'inputName' | 'input'> &
      Pick<Round, 'remainingMs'>,
    nowMs: number,
  ): Task {
    const { hub, request, round, layers, inputName, remainingMs, input } = of
    const id = this.needs.nextJob()
    const endsAtMs = nowMs + Math.min(remainingMs, DEADLINE_MS_MAX)
    const task: Task = {
      ...{ id, hub, request, round, layers, inputName, endsAtMs, input },
      summing: undefined,
      ran: [],
      stage: 'pulling',
      isGivenUp: false,
      output: undefined,
    }
    this.tasks.set(id.number, task)
    this.needs.errands.began()
    return task
  }

  private run(task: Task, input: EncodedActivation, nowMs: number): CoreEffect[] {
    if (input.bytes.length !== activationBytes(input.dtype, input.shape))
      return this.failed(task, nowMs)
    task.input = input
    task.summing = this.needs.arithmetic.summing(input)
    task.stage = 'running'
    this.needs.errands.runBegan(nowMs)
    return [this.next(task)]
  }

  private next({ id, layers, ran, round: hop, input }: Task): Effect {
    const layer = layers[ran.length] as number
    return { do: 'run-layer', job: id, layer, hop, input }
  }

  /** All layers have run. */
  private summed(task: Task, nowMs: number): CoreEffect[] {
    const sum = task.summing?.sum()
    if (sum === undefined) return this.failed(task, nowMs)
    const freed = this.needs.errands.ended(nowMs)
    task.summing = undefined
    task.input = { ...task.input, bytes: new Uint8Array(0) }
    task.stage = 'preparing'
    if (task.hub !== this.options.self)
      return [...freed, { do: 'prepare', job: task.id, tensor: sum }]
    this.tasks.delete(task.id.number)
    const { request, round, ran: layers } = task
    return [
      ...freed,
      ...this.reports(task),
      ...this.needs.ready({ request, round, layers, sum }, nowMs),
    ]
  }

  private reports({ request, round: hop, ran }: Task): CoreEffect[] {
    return ran.map(({ layer, ms }) => {
      return { do: 'report', event: { type: 'hop-served', request, hop, layer, ms } }
    })
  }

  /** A share comes to nothing: its hub hears so. */
  private failed(task: Task, nowMs: number): CoreEffect[] {
    const { hub, request, round, inputName, isGivenUp } = task
    const forgotten = this.forget(task, nowMs)
    if (isGivenUp) return forgotten
    if (hub === this.options.self)
      return [
        ...forgotten,
        ...this.needs.ready({ request, round, layers: [], sum: undefined }, nowMs),
      ]
    return [...forgotten, ...this.declined(hub, request, round, inputName)]
  }

  private declined(
    hub: PeerId,
    request: RequestId,
    round: number,
    input: TensorHash,
  ): CoreEffect[] {
    const { backend } = this.options
    const none = { layers: [], sum: undefined }
    const message = { kind: 'update', request, round, input, backend, ...none } as const
    return [{ do: 'tell', message, to: [hub] }]
  }

  private forget(task: Task, nowMs: number): CoreEffect[] {
    this.tasks.delete(task.id.number)
    const held = withdrawn(task.output)
    const isBusy = task.stage === 'pulling' || task.stage === 'running'
    return isBusy ? [...held, ...this.needs.errands.ended(nowMs)] : held
  }

  private letGo(isOver: (task: Task) => boolean, nowMs: number): CoreEffect[] {
    return [...this.tasks.values()].flatMap((task): CoreEffect[] => {
      if (task.isGivenUp || !isOver(task)) return []
      if (task.stage === 'running') {
        task.isGivenUp = true
        return []
      }
      const cancelled: Effect[] = task.stage === 'pulling' ? [{ do: 'cancel', job: task.id }] : []
      return [...cancelled, ...this.forget(task, nowMs)]
    })
  }

  private isOf(task: Task, hub: PeerId, request: RequestId): boolean {
    return task.hub === hub && task.request === request
  }

  private hasRoomFor(hub: PeerId, nowMs: number): boolean {
    if (!this.needs.errands.isFree(nowMs)) return false
    let own = 0
    for (const task of this.tasks.values())
      if (task.hub === hub && (task.stage === 'pulling' || task.stage === 'running')) own++
    return 2 * own < Math.max(2, this.options.slots)
  }

  /** The oldest sums are dropped where there are too many. */
  private makeRoom(): CoreEffect[] {
    const held = [...this.tasks.values()].filter(({ stage }) => stage === 'held')
    return held.slice(0, Math.max(0, held.length - SUMS_HELD_MAX)).flatMap((task) => {
      this.tasks.delete(task.id.number)
      return withdrawn(task.output)
    })
  }
}

/** The name of a round's input: the hash of its bytes. */
export function nameOf(tensor: RoundTensor | Activation): TensorHash {
  return tensor.place === 'held' ? tensor.hash : (sha256(tensor.bytes) as string as TensorHash)
}

/** The tensor of a round without its bytes where those are held elsewhere. */
export function encodedRound(tensor: RoundTensor): EncodedActivation {
  const { dtype, batch, tokens, width } = tensor
  const bytes = tensor.place === 'inline' ? tensor.bytes : new Uint8Array(0)
  return { dtype, shape: [batch, tokens, width], bytes }
}

/** As it is written in a message of whoever holds it. */
export function asRoundTensor(activation: Activation): RoundTensor {
  if (activation.place === 'inline') return activation
  const { holder: _, ...tensor } = activation
  return tensor
}
