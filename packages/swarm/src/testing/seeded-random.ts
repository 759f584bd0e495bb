import { mulberry32 } from '@layerswarm/model'
import { draw } from '../draw.ts'
import type { Random } from '../ports.ts'

/** The swarm's draws from one mulberry32 generator; the seed replays a run. */
export class SeededRandom implements Random {
  /** Uniform in [0, 1). */
  readonly uniform: () => number

  constructor(seed: number) {
    this.uniform = mulberry32(seed)
  }

  /** A stream of its own, so that what one part of a world draws never shifts another's. */
  static stream(seed: number, ...labels: readonly (string | number)[]): SeededRandom {
    return new SeededRandom(draw(seed, ...labels))
  }

  /** A whole number from 0 to `below` − 1. */
  below(below: number): number {
    return Math.floor(this.uniform() * below)
  }

  /** True in `share` (0 … 1) of all calls. */
  chance(share: number): boolean {
    return share > 0 && this.uniform() < share
  }

  /** `count` bytes, each uniform. */
  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    for (let i = 0; i < count; i++) bytes[i] = this.below(256)
    return bytes
  }
}
