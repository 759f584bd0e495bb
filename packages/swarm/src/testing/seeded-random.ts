import { draw } from '../draw.ts'
import type { Random } from '../ports.ts'

/** Mulberry32: small, fast, good enough to place events; the seed replays a run. */
export class SeededRandom implements Random {
  private state: number

  constructor(seed: number) {
    this.state = seed >>> 0
  }

  /** A stream of its own, so that what one part of a world draws never shifts another's. */
  static stream(seed: number, ...labels: readonly (string | number)[]): SeededRandom {
    return new SeededRandom(draw(seed, ...labels))
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  /** A whole number from 0 to `below` − 1. */
  below(below: number): number {
    return Math.floor(this.uniform() * below)
  }

  /** True in `share` (0 … 1) of all calls. */
  chance(share: number): boolean {
    return share > 0 && this.uniform() < share
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    for (let i = 0; i < count; i++) bytes[i] = this.below(256)
    return bytes
  }
}
