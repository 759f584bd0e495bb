import type { PeerId } from '@layerswarm/swarm'
import { NO_HOST_GRACE_MS } from '@layerswarm/swarm'
import { isTaintedBytes, layersIn, SeededRandom, symbolicStem } from '@layerswarm/swarm/testing'
import {
  CHAIN_HEADER_BYTES,
  EXPECTED_MS_MAX,
  LOOK_AGAIN_MS,
  PATIENCE_DOUBLINGS_MAX,
  PATIENCE_FACTOR,
  PATIENCE_MS_MIN,
} from '../limits.ts'
import type { LabStation } from '../network/lane.ts'
import type { RequestRecord } from '../request-record.ts'
import type { Resident } from '../residents/resident.ts'
import type { Order } from '../scenarios/population.ts'
import { activationSize } from '../scenarios/settings.ts'
import { legMs, type RouteNeeds, type Stop, shortestChain } from './chain-route.ts'
import { directory } from './directory.ts'
import type { AskPolicy, Scene } from './policy.ts'

/** Which chain it is. */
export interface ChainOptions {
  /** Layers in their trained order, or in an order drawn per request. */
  readonly order: 'fixed' | 'random'
  /** Whether the client keeps each output and goes on from there when a hop is lost. */
  readonly recovers: boolean
}

/** One request of a chain. */
interface Trip {
  readonly asker: LabStation
  readonly record: RequestRecord
  readonly end: (code: string) => void
  readonly deadlineMs: number
  /** Servers that did not deliver on this request. */
  readonly suspects: Set<PeerId>
  /** The newest output that the client has. */
  input: Uint8Array
  done: readonly number[]
  usefulMs: number
  /** Counts the starts, so that a late output of an earlier one is not taken. */
  attempt: number
  over: boolean
}

/** One plan of a trip, and what the client had when it was made. */
interface Attempt {
  readonly trip: Trip
  readonly asker: Resident
  readonly plan: readonly Stop[]
  readonly id: number
  readonly done: readonly number[]
}

/**
 * What pipeline systems do, on the same peers: the client plans who computes what, servers pass
 * activations on, through a relay where there is no direct path. It knows all ways between servers
 * and pays nothing for planning.
 */
export class Chain implements AskPolicy {
  private readonly scene: Scene
  private readonly options: ChainOptions
  private readonly random: SeededRandom

  constructor(scene: Scene, options: ChainOptions) {
    this.scene = scene
    this.options = options
    this.random = SeededRandom.stream(scene.seed, 'chain')
  }

  arrived(): void {}

  left(): void {}

  ask(asker: Resident, order: Order, record: RequestRecord, end: (code: string) => void): void {
    const { settings, clock } = this.scene
    const deadlineMs = clock.nowMs() + settings['requests.deadlineMs']
    const trip: Trip = {
      asker: asker.transport.station,
      record,
      end,
      deadlineMs,
      suspects: new Set(),
      input: symbolicStem(activationSize(settings), order.index),
      done: [],
      usefulMs: 0,
      attempt: 0,
      over: false,
    }
    clock.wakeAt(deadlineMs, () => this.finish(trip, 'deadline-passed'))
    this.start(trip, asker, clock.nowMs())
  }

  /** Plans from the newest output on, and sends it off. */
  private start(trip: Trip, asker: Resident, stuckSinceMs: number): void {
    if (trip.over) return
    const { clock } = this.scene
    const plan = this.plan(trip, this.needs(trip, asker))
    if (plan !== undefined && plan.length > 0) {
      const attempt = { trip, asker, plan, id: ++trip.attempt, done: trip.done }
      return this.hop(attempt, 0, trip.asker, trip.input, trip.usefulMs)
    }
    if (this.options.order === 'random' && clock.nowMs() - stuckSinceMs >= NO_HOST_GRACE_MS) {
      return this.finish(trip, trip.done.length > 0 ? 'answered' : 'no-providers')
    }
    if (!this.options.recovers) return this.finish(trip, 'no-route')
    // A server that failed once may be the only one.
    trip.suspects.clear()
    clock.wakeAt(clock.nowMs() + LOOK_AGAIN_MS, () => this.start(trip, asker, stuckSinceMs))
  }

  private needs(trip: Trip, asker: Resident): RouteNeeds {
    const { network, settings } = this.scene
    const servers = directory(this.scene, asker).filter(({ peer }) => !trip.suspects.has(peer))
    return { network, asker: trip.asker, servers, bytes: activationSize(settings) }
  }

  private plan(trip: Trip, needs: RouteNeeds): Stop[] | undefined {
    const layers = Array.from({ length: this.scene.settings['model.layers'] }, (_, i) => i)
    const left = layers.filter((layer) => !trip.done.includes(layer))
    if (this.options.order === 'fixed') return shortestChain(needs, trip.asker.peer, left)
    return this.wander(needs, trip.asker.peer, left)
  }

  /** A random layer on a random server, again and again; layers without a server are left out. */
  private wander(needs: RouteNeeds, from: PeerId, layers: readonly number[]): Stop[] {
    const stops: Stop[] = []
    const left = [...layers]
    let at = from
    while (left.length > 0) {
      const [layer] = left.splice(this.random.below(left.length), 1)
      if (layer === undefined) break
      const able = needs.servers.filter(
        (server) =>
          server.layers.includes(layer) && legMs(needs, at, server) < Number.POSITIVE_INFINITY,
      )
      const server = able[this.random.below(able.length)]
      if (server === undefined) continue
      stops.push({ layer, server })
      at = server.peer
    }
    return stops
  }

  /** Sends an activation to the server of hop `at`, which computes and passes it on. */
  private hop(
    attempt: Attempt,
    at: number,
    from: LabStation,
    bytes: Uint8Array,
    spentMs: number,
  ): void {
    const { network, residents, settings } = this.scene
    const { trip, plan } = attempt
    const stop = plan[at]
    const to = stop === undefined ? undefined : network.known.get(stop.server.peer)
    if (stop === undefined || to === undefined) return
    this.watch(attempt, stop, from)
    const arrived = () => {
      const server = residents.get(stop.server.peer)
      if (server === undefined || trip.over) return
      const shape = [1, settings['model.tokens'], settings['model.width']] as const
      server.compute.run(stop.layer, at, { dtype: 'float16', shape, bytes }, (outcome) => {
        if (!('failure' in outcome))
          this.passOn(attempt, at, to, outcome.activation.bytes, spentMs + outcome.ms)
      })
    }
    network.streams.send(from, to, bytes.length + CHAIN_HEADER_BYTES, arrived, true)
  }

  private passOn(
    attempt: Attempt,
    at: number,
    from: LabStation,
    bytes: Uint8Array,
    spentMs: number,
  ): void {
    const isLast = at + 1 === attempt.plan.length
    if (this.options.recovers || isLast) {
      this.scene.network.streams.send(
        from,
        attempt.trip.asker,
        bytes.length + CHAIN_HEADER_BYTES,
        () => this.received(attempt, at, bytes, spentMs),
        true,
      )
    }
    if (!isLast) this.hop(attempt, at + 1, from, bytes, spentMs)
  }

  /** An output is back at the client. */
  private received(attempt: Attempt, at: number, bytes: Uint8Array, spentMs: number): void {
    const { trip, plan } = attempt
    const done = [...attempt.done, ...plan.slice(0, at + 1).map(({ layer }) => layer)]
    if (trip.over || attempt.id !== trip.attempt || done.length <= trip.done.length) return
    trip.input = bytes
    trip.usefulMs = spentMs
    trip.done = done
    const isComplete = done.length === this.scene.settings['model.layers']
    if (isComplete) this.finish(trip, 'answered')
    // Layers without a server were left out of a random plan: look for them again.
    else if (at + 1 === plan.length) this.start(trip, attempt.asker, this.scene.clock.nowMs())
  }

  /** Goes on without a server that takes too long. */
  private watch(attempt: Attempt, stop: Stop, from: LabStation): void {
    if (!this.options.recovers) return
    const { clock } = this.scene
    const { trip, asker, id } = attempt
    const { network, settings } = this.scene
    const needs = { network, asker: trip.asker, servers: [], bytes: activationSize(settings) }
    const wayBackMs = legMs(needs, stop.server.peer, { ...stop.server, peer: trip.asker.peer })
    const expectedMs = legMs(needs, from.peer, stop.server) + wayBackMs
    // Each failure doubles the patience, lest a slow network be filled with second attempts.
    const patienceMs =
      Math.max(PATIENCE_MS_MIN, PATIENCE_FACTOR * Math.min(expectedMs, EXPECTED_MS_MAX)) *
      2 ** Math.min(id - 1, PATIENCE_DOUBLINGS_MAX)
    clock.wakeAt(clock.nowMs() + patienceMs, () => {
      if (trip.over || trip.attempt !== id || trip.done.includes(stop.layer)) return
      trip.suspects.add(stop.server.peer)
      this.start(trip, asker, clock.nowMs())
    })
  }

  private finish(trip: Trip, code: string): void {
    if (trip.over) return
    trip.over = true
    const { record } = trip
    if (code === 'answered') {
      record.route = trip.done
      record.missing = this.scene.settings['model.layers'] - trip.done.length
      record.usefulMs = trip.usefulMs
      record.isWrong =
        isTaintedBytes(trip.input) || layersIn(trip.input).join() !== trip.done.join()
    }
    trip.end(code)
  }
}
