import type { Clock } from '@layerswarm/swarm'
import type { VirtualClock } from '@layerswarm/swarm/testing'

/** A peer's own view of time: its timers stop while it is frozen and are gone when it is. */
export class PeerClock implements Clock {
  private readonly world: VirtualClock
  private readonly pending = new Set<() => void>()
  private frozen = false
  private ended = false
  private due: (() => void)[] = []

  constructor(world: VirtualClock) {
    this.world = world
  }

  nowMs(): number {
    return this.world.nowMs()
  }

  wakeAt(atMs: number, fire: () => void): () => void {
    if (this.ended) return () => {}
    const run = () => {
      if (this.frozen) this.due.push(run)
      else {
        this.pending.delete(cancel)
        fire()
      }
    }
    const unwake = this.world.wakeAt(atMs, run)
    const cancel = () => {
      this.pending.delete(cancel)
      if (this.due.length > 0) this.due = this.due.filter((late) => late !== run)
      unwake()
    }
    this.pending.add(cancel)
    return cancel
  }

  /** Timers that are still to fire. */
  get timers(): number {
    return this.pending.size
  }

  freeze(): void {
    this.frozen = true
  }

  /** Fires what came due meanwhile, in its order. */
  thaw(): void {
    this.frozen = false
    for (const run of this.due.splice(0)) run()
  }

  /** Drops all timers: the process is gone. */
  end(): void {
    this.ended = true
    for (const cancel of [...this.pending]) cancel()
  }
}
