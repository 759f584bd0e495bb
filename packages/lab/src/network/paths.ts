import { draw } from '@layerswarm/swarm'
import { SeededRandom } from '@layerswarm/swarm/testing'
import type { Settings } from '../scenarios/settings.ts'
import type { LabStation } from './lane.ts'

/**
 * Who can speak directly to whom, and how long it takes: draws of the two peers' names, so that
 * every policy and every run of a seed meets the same paths.
 */
export class Paths {
  /** The network is cut in two. */
  split = false
  private readonly settings: Settings
  private readonly seed: number

  constructor(settings: Settings, seed: number) {
    this.settings = settings
    this.seed = seed
  }

  /** One way between two peers, milliseconds: the same in both directions. */
  latencyMs(a: LabStation, b: LabStation): number {
    const [low, high] = a.session.index < b.session.index ? [a, b] : [b, a]
    const seed = draw(this.seed, low.session.index, high.session.index)
    const pair = new SeededRandom(seed)
    const z = Math.sqrt(-2 * Math.log(1 - pair.uniform())) * Math.cos(2 * Math.PI * pair.uniform())
    return (this.settings['links.rttMedianMs'] / 2) * Math.exp(this.settings['links.rttSigma'] * z)
  }

  /** By what a measured round trip differs from the true one: a factor that stays, the same at both ends. */
  rttError(a: LabStation, b: LabStation): number {
    const [low, high] = a.session.index < b.session.index ? [a, b] : [b, a]
    // Uniform with the standard deviation asked for.
    const z =
      (draw('rtt', this.seed, low.session.index, high.session.index) / 2 ** 32 - 0.5) *
      Math.sqrt(12)
    return Math.exp(this.settings['links.rttError'] * z)
  }

  /**
   * One way for policies that may relay, milliseconds: twice as long without a direct path, Infinity
   * across a cut.
   */
  relayedMs(a: LabStation, b: LabStation): number {
    if (this.isCut(a, b)) return Number.POSITIVE_INFINITY
    return (this.isDialable(a, b) ? 1 : 2) * this.latencyMs(a, b)
  }

  /** Whether two peers can speak directly now. */
  hasPath(a: LabStation, b: LabStation): boolean {
    return this.isDialable(a, b) && !this.isCut(a, b)
  }

  /** Whether their NATs let a direct connection through. */
  isDialable(a: LabStation, b: LabStation): boolean {
    const share = this.settings['links.natShare']
    if (share === 0) return true
    const [low, high] =
      a.session.index < b.session.index
        ? [a.session.index, b.session.index]
        : [b.session.index, a.session.index]
    return draw('nat', this.seed, low, high) / 2 ** 32 >= share
  }

  /** Whether they are on different sides of a partition. */
  isCut(a: LabStation, b: LabStation): boolean {
    return this.split && a.session.far !== b.session.far
  }
}
