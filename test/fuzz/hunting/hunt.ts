import { draw } from '@layerswarm/swarm'
import type { GrowingCorpus } from '../corpus.ts'
import { CORPUS_INPUTS_MAX, KEPT_BYTES_MAX, KEPT_INPUTS_MAX, ROOM_BYTES_MAX } from '../limits.ts'
import { createDice, type Dice, mutated } from '../mutate.ts'
import { execute, Finding, type Target } from '../target.ts'
import { bucketOf, type Counters, clear } from './counters.ts'

/** What a hunt needs. */
export interface HuntNeeds {
  readonly target: Target
  readonly counters: Counters
  readonly grown: GrowingCorpus
  /** Of the repository. */
  readonly kept: readonly Uint8Array[]
  /** An input that is about to be decoded, for whoever watches for hangs. */
  about(input: Uint8Array): void
  found(finding: Finding): Promise<void>
}

/**
 * The search through one decoder: inputs that reach a new place, or an old one more often than before by a
 * power of two, are kept and changed further (as AFL and libFuzzer do).
 */
export class Hunt {
  executions = 0
  /** Spent in turns. */
  ms = 0
  readonly target: Target
  private readonly needs: HuntNeeds
  private readonly inputs: Uint8Array[] = []
  /** The ranges of counts that were seen, by place. */
  private readonly seen: Uint8Array

  constructor(needs: HuntNeeds) {
    this.needs = needs
    this.target = needs.target
    this.seen = new Uint8Array(needs.counters.counts.length)
  }

  get kept(): number {
    return this.inputs.length
  }

  /** Places that were reached. */
  get reached(): number {
    return this.seen.reduce((sum, buckets) => sum + (buckets === 0 ? 0 : 1), 0)
  }

  /** Begins with the inputs that are known. */
  async begin(): Promise<void> {
    const { target, kept, grown } = this.needs
    for (const input of [...target.seeds(), ...kept]) await this.try(input, true)
    for (const input of grown.read()) await this.try(input, false)
  }

  /** So many executions. The same seed, turn and inputs give the same ones. */
  async turn(executions: number, seed: number, turn: number): Promise<void> {
    const { target, counters } = this.needs
    const startMs = performance.now()
    const dice = createDice(draw(seed, target.name, turn))
    const material = { ...target, others: this.inputs, words: counters.words }
    for (let i = 0; i < executions; i++) {
      const tried = this.try(mutated(this.choose(dice), dice, material), false)
      if (tried !== undefined) await tried
    }
    this.ms += performance.now() - startMs
  }

  /** The newest inputs are the least explored: half of the draws go to the last tenth. Of two the smaller is quicker. */
  private choose(dice: Dice): Uint8Array {
    const { length } = this.inputs
    const from = dice.below(2) === 0 ? 0 : Math.floor(length * 0.9)
    const [one, other] = [0, 1].map(() => this.inputs[from + dice.below(length - from)])
    if (one === undefined || other === undefined) return new Uint8Array()
    return one.length < other.length || dice.below(4) === 0 ? one : other
  }

  private try(input: Uint8Array, isGiven: boolean): Promise<void> | undefined {
    const { target, counters, about } = this.needs
    about(input)
    clear(counters)
    counters.roomBytesMax = ROOM_BYTES_MAX + (target.besideBytes ?? 0)
    this.executions++
    try {
      const done = execute(target, input)
      if (done instanceof Promise)
        return done.then(
          () => this.tried(input, isGiven),
          (error: unknown) => this.broken(error),
        )
      return this.tried(input, isGiven)
    } catch (error) {
      return this.broken(error)
    }
  }

  private broken(error: unknown): Promise<void> {
    if (error instanceof Finding) return this.needs.found(error)
    throw error
  }

  private tried(input: Uint8Array, isGiven: boolean): Promise<void> | undefined {
    const { target, counters, grown, found } = this.needs
    if (counters.roomBytes > counters.roomBytesMax)
      return found(
        new Finding(target.name, input, 'more room is asked for than its input is worth'),
      )
    if (!this.isNews() && !isGiven) return undefined
    if (this.inputs.length >= CORPUS_INPUTS_MAX) this.inputs.shift()
    this.inputs.push(input.slice())
    if (!isGiven) grown.add(input)
    return undefined
  }

  private isNews(): boolean {
    const { counts, places, touched } = this.needs.counters
    const { seen } = this
    let isNews = false
    for (let i = 0; i < touched; i++) {
      const place = places[i] as number
      const bucket = bucketOf(counts[place] as number)
      const before = seen[place] as number
      if ((before & bucket) !== 0) continue
      seen[place] = before | bucket
      isNews = true
    }
    return isNews
  }

  /** A few small inputs that together reach most of what all of them reach. */
  async essence(): Promise<Uint8Array[]> {
    const { target } = this.needs
    const covered = new Set<number>()
    for (const seed of target.seeds())
      for (const place of await this.placesOf(seed)) covered.add(place)
    const left: Reach[] = []
    for (const input of this.inputs)
      if (input.length <= KEPT_BYTES_MAX) left.push({ input, places: await this.placesOf(input) })
    const chosen: Uint8Array[] = []
    for (let best = bestOf(left, covered); best !== undefined; best = bestOf(left, covered)) {
      if (chosen.length >= KEPT_INPUTS_MAX) break
      chosen.push(best.input)
      for (const place of best.places) covered.add(place)
    }
    return chosen
  }

  private async placesOf(input: Uint8Array): Promise<readonly number[]> {
    const { counters, target } = this.needs
    clear(counters)
    await execute(target, input)
    return [...counters.places.subarray(0, counters.touched)]
  }
}

interface Reach {
  readonly input: Uint8Array
  readonly places: readonly number[]
}

/** The one that reaches most of what none of those before does; undefined when none reaches anything. */
function bestOf(all: readonly Reach[], covered: ReadonlySet<number>): Reach | undefined {
  let best: Reach | undefined
  let most = 0
  for (const one of all) {
    const news = one.places.filter((place) => !covered.has(place)).length
    if (news <= most) continue
    best = one
    most = news
  }
  return best
}
