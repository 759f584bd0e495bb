import type { EncodedActivation, EngineName } from '@layerswarm/model'
import { tensorOf } from '../chain/tensor-of.ts'
import type { JobId } from '../jobs.ts'
import type { Activation, PeerId, RequestId, TensorHash } from '../wire/messages.ts'
import type { Judging } from './judging.ts'
import {
  AGREEING_DISPUTED_MIN,
  AGREEING_MIN,
  EXACT_ENGINES,
  FAILURES_MAX,
  RECOUNTS_MAX,
} from './limits.ts'
import type { Stretch } from './stretch.ts'

/** What somebody computed: the name of the tensor is always known, its bytes are fetched where names differ. */
interface Result {
  readonly peers: readonly PeerId[]
  readonly hash: TensorHash
  tensor: EncodedActivation | undefined
}

/** How an audit ended: whose results agree, and whose do not agree with them. Nobody's where there is no majority. */
export interface Verdict {
  readonly right: readonly (readonly PeerId[])[]
  readonly wrong: readonly (readonly PeerId[])[]
}

/** What came of an audit, for the request whose stretch it was. */
export interface AuditEnd {
  readonly request: RequestId
  readonly stretch: Stretch
  /** Or why there is none: a tensor could not be had, nobody else could run it, no two results agree. */
  readonly verdict: Verdict | 'unavailable' | 'alone' | 'undecided'
}

/**
 * One stretch of a request that is computed again, by others each time.
 *
 * 1. It ends when AGREEING_MIN results agree, where others differ AGREEING_DISPUTED_MIN, and one more of these where
 *    their step is no layer's or cannot be looked at.
 * 2. When RECOUNTS_MAX recomputations did not make that happen, or there is nobody else, more than agree on anything else
 *    are believed.
 * 3. Nobody takes part in it twice.
 * 4. Results of one name are the same; of others the tensors are needed.
 */
export class Audit {
  readonly stretch: Stretch
  /** Whether an answer waits for it. */
  readonly isAwaited: boolean
  /** When it was drawn, milliseconds. */
  readonly sinceMs: number
  /** Everybody whose result is here computes with the same engine, and that gives the same bytes everywhere. */
  isExact: boolean
  private isOutputLost = false
  /** A recomputation is under way, or about to be. */
  isRunning = false
  /** What the stretch began with, once it is here: it is fetched for disputes only. */
  input: EncodedActivation | undefined
  /** Whether the input was asked for, or cannot be had. */
  isInputAsked = false
  /** The next recomputation waits for the input, to be sent from here. */
  isToSend = false
  /** It is run on this member's own engine, or was, or cannot be. */
  isOwnRunTried = false
  /** Its input is this member's own, and kept for it. */
  kept: TensorHash | undefined
  /** Fetches that it waits for. */
  readonly jobs: { input?: JobId; output?: JobId; sent?: JobId } = {}
  /** The recomputation under way. */
  recount: RequestId | undefined
  /** What recomputations are named by, where their names are not to tell what they are. */
  secret = ''
  /** Who could not run it. */
  readonly unable: PeerId[] = []
  private readonly results: Result[]
  private readonly judging: Judging
  private isKnownDisputed: boolean | undefined
  private recounts = 0
  private failures = 0

  constructor(stretch: Stretch, judging: Judging, isAwaited: boolean, nowMs: number) {
    this.judging = judging
    this.stretch = stretch
    this.isAwaited = isAwaited
    this.sinceMs = nowMs
    const { backend } = this
    this.isExact = judging.hasOneFile && backend !== undefined && EXACT_ENGINES.has(backend)
    this.results = [{ peers: stretch.peers, hash: tensorOf(this.output), tensor: undefined }]
  }

  /** Its layers ran at once on one input, which is here. */
  get isAtOnce(): boolean {
    return this.stretch.atOnce !== undefined
  }

  /** The engine that is said to have run the stretch; undefined where there were several. */
  get backend(): EngineName | undefined {
    const { before, after } = this.stretch
    const names = new Set(after.route.slice(before.route.length).map(({ backend }) => backend))
    return names.size === 1 ? [...names][0] : undefined
  }

  get request(): RequestId {
    return this.stretch.after.request
  }

  /** What was said came out of the stretch. */
  get output(): Activation {
    return this.stretch.after.activation
  }

  /** What was said came out of the stretch is here. */
  get hasOutput(): boolean {
    return this.results[0]?.tensor !== undefined
  }

  /** Whether a held tensor is what was said came out of it. */
  isOutput(activation: Activation): boolean {
    const { output } = this
    return output.place === 'held' && activation.place === 'held' && output.hash === activation.hash
  }

  outputCame(tensor: EncodedActivation): void {
    const [first] = this.results
    this.isKnownDisputed = undefined
    if (first !== undefined) first.tensor = tensor
  }

  /** Nobody shows what was said came out of it: its name has to do. */
  loseOutput(): void {
    this.isKnownDisputed = undefined
    this.isOutputLost = true
  }

  /** Those who have had their say. */
  get heard(): PeerId[] {
    return this.results.flatMap(({ peers }) => peers)
  }

  /** Whether a result of this name tells enough without its bytes. */
  isSame(hash: TensorHash): boolean {
    return this.results[0]?.hash === hash
  }

  /** Whether what was said came out of the stretch is needed to compare it. */
  get needsOutput(): boolean {
    return (
      !this.hasOutput && !this.isOutputLost && this.results.some(({ hash }) => !this.isSame(hash))
    )
  }

  /** Results are here that differ. */
  get isDisputed(): boolean {
    this.isKnownDisputed ??= this.hasDiffering()
    return this.isKnownDisputed
  }

  private hasDiffering(): boolean {
    const [first] = this.results
    if (first === undefined || this.needsOutput) return false
    return this.results.some((one) => !isAlike(one, first, this.judging.agree))
  }

  /** Whether there may be one more recomputation; counts it. */
  takeRecount(): boolean {
    return this.failures <= FAILURES_MAX && this.recounts++ < RECOUNTS_MAX
  }

  /** Whether a recomputation has come to nothing: whoever was to run it may have had no way to the input. */
  get hasFailed(): boolean {
    return this.failures > 0
  }

  /** A recomputation came to nothing. */
  failed(by?: PeerId): void {
    this.failures++
    if (by !== undefined) this.unable.push(by)
  }

  /** Somebody's result is here. @param tensor its bytes, where `isSame` does not hold of its name. */
  add(
    peers: readonly PeerId[],
    activation: Activation,
    tensor: EncodedActivation | undefined,
  ): void {
    this.isKnownDisputed = undefined
    this.results.push({ peers, hash: tensorOf(activation), tensor })
  }

  /**
   * Whose results are like what this member's own engine made of the input. Whoever has no tensor to show is judged
   * by its name.
   * @returns undefined where there is nothing to compare it with.
   */
  verdictBy(own: EncodedActivation): Verdict | undefined {
    const right: (readonly PeerId[])[] = []
    const wrong: (readonly PeerId[])[] = []
    const names = new Set<TensorHash>()
    const unseen: Result[] = []
    for (const one of this.results) {
      const tensor = this.tensorOf(one)
      if (tensor === undefined) unseen.push(one)
      else if (!this.judging.agree(own, tensor)) wrong.push(one.peers)
      else {
        right.push(one.peers)
        names.add(one.hash)
      }
    }
    if (this.isExact && right.length > 0)
      for (const { hash, peers } of unseen) (names.has(hash) ? right : wrong).push(peers)
    return unseen.length === this.results.length ? undefined : { right, wrong }
  }

  /** Of results of one name only the first has its bytes here. */
  private tensorOf({ hash, tensor }: Result): EncodedActivation | undefined {
    const [first] = this.results
    return tensor ?? (first?.hash === hash ? first.tensor : undefined)
  }

  /** @returns the verdict, once there is one. */
  get verdict(): Verdict | undefined {
    if (this.needsOutput) return undefined
    const least = this.isDisputed ? AGREEING_DISPUTED_MIN : AGREEING_MIN
    return this.verdictOf(
      (one, count) => count >= (!this.isDisputed || this.isStep(one) ? least : least + 1),
    )
  }

  /** @returns the verdict when there will be no further result, if there is one. */
  get lastVerdict(): Verdict | undefined {
    if (this.needsOutput || !this.isDisputed) return undefined
    const counts = this.results.map((one) => this.alike(one).length)
    return this.verdictOf(
      (one, count) =>
        count >= AGREEING_MIN &&
        this.isStep(one) &&
        this.results.every(
          (other, i) => isAlike(one, other, this.judging.agree) || (counts[i] ?? 0) < count,
        ),
    )
  }

  private verdictOf(isEnough: (one: Result, count: number) => boolean): Verdict | undefined {
    for (const one of this.results) {
      const same = this.alike(one)
      if (!isEnough(one, same.length)) continue
      return {
        right: same.map(({ peers }) => peers),
        wrong: this.results.filter((other) => !same.includes(other)).map(({ peers }) => peers),
      }
    }
    return undefined
  }

  private alike(one: Result): Result[] {
    return this.results.filter((other) => isAlike(one, other, this.judging.agree))
  }

  private isStep({ tensor }: Result): boolean {
    const { input, stretch } = this
    const { isPlausible } = this.judging
    if (input === undefined || tensor === undefined) return false
    return isPlausible(input, tensor, stretch.layers.length)
  }
}

function isAlike(one: Result, other: Result, agree: Judging['agree']): boolean {
  if (one.hash === other.hash) return true
  if (one.tensor === undefined || other.tensor === undefined) return false
  return agree(one.tensor, other.tensor)
}
