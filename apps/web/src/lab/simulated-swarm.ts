import { encodeActivation, type ModelSpec, type Tensor, tokensOf } from '@layerswarm/model'
import type { Classification, Member, MemberEvent, PeerId } from '@layerswarm/swarm'
import { REAL_TENSORS, World } from '@layerswarm/swarm/testing'
import { LabCompute, type LabEngine, type Mood } from './lab-compute.ts'
import { LAB_DEADLINE_MS, LATENCY_MS, REPLICAS_COUNT, SETTLE_MS, STEP_MS_MAX } from './limits.ts'
import { Pace } from './pace.ts'

/** What a swarm inside the tab is made of. */
export interface SimulatedSwarmOptions {
  readonly spec: ModelSpec
  readonly release: string
  readonly engine: LabEngine
  readonly peers: number
  readonly seed: number
}

/** One simulated provider, alive or gone. */
export interface LabPeer {
  readonly id: string
  readonly layers: readonly number[]
  readonly mood: Mood | 'gone'
}

/** The swarm as the page draws it. */
export interface LabSnapshot {
  readonly peers: readonly LabPeer[]
  /** Living hosts of each layer. */
  readonly coverage: readonly number[]
  /** Layers that nobody may host. */
  readonly dropped: readonly number[]
}

/** A provider that is there, as the fixed chain needs it. */
export interface Station {
  readonly id: string
  readonly member: Member
  readonly compute: LabCompute
}

/**
 * A swarm inside this tab: the production state machines and codec on a simulated network, and the
 * true layers of the model. Its time passes as fast as it is told to.
 */
export class SimulatedSwarm {
  private readonly world: World
  private readonly options: SimulatedSwarmOptions
  private readonly pace = new Pace()
  private readonly stations = new Map<string, Station>()
  private readonly moods = new Map<string, Mood | 'gone'>()
  private readonly dropped = new Map<number, readonly string[]>()
  /** Layers that one peer alone may host. */
  private readonly reserved = new Map<number, string>()
  private readonly asker: Station
  private readonly capacity: number

  constructor(options: SimulatedSwarmOptions) {
    const { spec, peers, seed } = options
    this.options = options
    this.capacity = Math.min(
      spec.layers,
      Math.ceil((REPLICAS_COUNT * spec.layers) / Math.max(1, peers)),
    )
    this.world = new World({
      seed,
      shape: { layers: spec.layers, tokens: tokensOf(spec), width: spec.width },
      network: { latencyMs: LATENCY_MS, jitterMs: 20, loss: 0, bytesPerMs: 1_000 },
    })
    this.asker = this.settle('asker', 0)
    for (let index = 1; index <= peers; index++) {
      const id = `peer-${index}`
      this.moods.set(id, 'well')
      this.stations.set(id, this.settle(id, this.capacity))
      this.world.clock.run(this.world.clock.nowMs() + 150)
    }
    this.world.clock.run(this.world.clock.nowMs() + SETTLE_MS)
  }

  get clock(): World['clock'] {
    return this.world.clock
  }

  /** What the asking member hears of all requests. */
  on(listener: (event: MemberEvent) => void): () => void {
    return this.asker.member.on(listener)
  }

  snapshot(): LabSnapshot {
    const coverage = new Array<number>(this.options.spec.layers).fill(0)
    const peers = [...this.moods].map(([id, mood]): LabPeer => {
      const layers = this.stations.get(id)?.member.snapshot().hosted ?? []
      for (const layer of layers) coverage[layer] = (coverage[layer] ?? 0) + 1
      return { id, layers, mood }
    })
    return { peers, coverage, dropped: [...this.dropped.keys()] }
  }

  /** Living hosts of a layer. */
  hosts(layer: number): Station[] {
    return [...this.stations.values()].filter(({ member }) =>
      member.snapshot().hosted.includes(layer),
    )
  }

  /**
   * Sends one image, (1, channels, size, size), through the swarm in any order.
   * @param rounds so many layers at once in each of them; without any, one after another.
   */
  async ask(image: Tensor, rounds?: readonly number[]): Promise<Classification> {
    const stem = await this.options.engine.run('stem', image, 0)
    return this.asker.member.classify(encodeActivation(stem, 'float16'), {
      deadlineMs: LAB_DEADLINE_MS,
      anytime: rounds === undefined,
      rounds: rounds ?? 'off',
    })
  }

  /** Whether a provider is still the one that it was: neither gone nor started anew. */
  isThere(station: Station): boolean {
    return this.stations.get(station.id) === station
  }

  /** Changes what a peer is up to; `gone` ends it without a word, as a crashed tab ends. */
  setMood(id: string, mood: Mood | 'gone'): void {
    if (!this.moods.has(id)) return
    this.moods.set(id, mood)
    const station = this.stations.get(id)
    if (mood === 'gone') return this.kill(id, station)
    if (station === undefined) this.stations.set(id, this.settle(id, this.capacity))
    else station.compute.mood = mood
  }

  /** Takes a layer away from everybody; its hosts leave and come back without it. */
  dropLayer(layer: number): void {
    if (this.dropped.has(layer)) return
    const hosts = this.hosts(layer)
    this.dropped.set(
      layer,
      hosts.map(({ id }) => id),
    )
    for (const station of hosts) this.restart(station)
  }

  /** Lets a dropped layer be hosted again, by those who hosted it. */
  giveBack(layer: number): void {
    const hosts = this.dropped.get(layer) ?? []
    this.dropped.delete(layer)
    for (const id of hosts) {
      const station = this.stations.get(id)
      if (station !== undefined) this.restart(station)
    }
  }

  /** Peers that lie now. */
  get liars(): ReadonlySet<string> {
    return new Set([...this.moods].flatMap(([id, mood]) => (mood === 'lying' ? [id] : [])))
  }

  /**
   * Leaves one layer to a peer alone, so that whatever comes has to go through it.
   * @returns the layer; undefined where the peer hosts none.
   */
  reserve(id: string): number | undefined {
    const [layer] = this.stations.get(id)?.member.snapshot().hosted ?? []
    if (layer === undefined) return undefined
    this.reserved.set(layer, id)
    for (const station of this.hosts(layer)) if (station.id !== id) this.restart(station)
    return layer
  }

  /** Lets others host again what was left to one. */
  release(layer: number): void {
    this.reserved.delete(layer)
    for (const station of [...this.stations.values()])
      if (!station.member.snapshot().hosted.includes(layer)) this.restart(station)
  }

  /** Lets time pass: at most STEP_MS_MAX of it, and none past what is still being computed. */
  advance(ms: number): void {
    const { clock } = this.world
    const goalMs = clock.nowMs() + Math.min(Math.max(0, ms), STEP_MS_MAX)
    let untilMs: number
    do {
      untilMs = Math.min(goalMs, this.pace.untilMs)
      clock.run(untilMs, () => this.pace.untilMs < untilMs)
    } while (this.pace.untilMs < untilMs)
  }

  stop(): void {
    for (const station of [...this.stations.values(), this.asker]) {
      station.compute.ended = true
      station.member.stop()
    }
    this.stations.clear()
  }

  private kill(id: string, station: Station | undefined): void {
    if (station === undefined) return
    this.stations.delete(id)
    station.compute.ended = true
    // First off the network, so that nothing that it says on the way out is heard.
    this.world.network.kill(id as PeerId)
    station.member.stop()
  }

  private restart({ id, compute, member }: Station): void {
    compute.ended = true
    member.stop()
    const fresh = this.settle(id, this.capacity)
    fresh.compute.mood = compute.mood
    this.stations.set(id, fresh)
  }

  private settle(id: string, capacity: number): Station {
    const { engine, release } = this.options
    const refuses = (layer: number) =>
      this.dropped.has(layer) || (this.reserved.get(layer) ?? id) !== id
    const compute = new LabCompute(this.world.clock, engine, this.pace, refuses)
    const serve = capacity === 0 ? [] : 'auto'
    const options = { release, serve, capacity, ...REAL_TENSORS } as const
    const { member } = this.world.joinWith(id, compute, options)
    return { id, member, compute }
  }
}
