import type { Clock } from '../ports.ts'

interface Entry {
  readonly atMs: number
  /** Breaks ties in the order of asking, so that a run can be replayed. */
  readonly order: number
  fire: (() => void) | undefined
}

/** Virtual time: events happen in order, at once, on one thread. */
export class VirtualClock implements Clock {
  private readonly heap: Entry[] = []
  private now = 0
  private asked = 0

  nowMs(): number {
    return this.now
  }

  wakeAt(atMs: number, fire: () => void): () => void {
    const entry: Entry = { atMs: Math.max(atMs, this.now), order: this.asked++, fire }
    this.push(entry)
    return () => {
      entry.fire = undefined
    }
  }

  /** Fires events until `done` says so, nothing is left or the time is `untilMs`. Returns events fired. */
  run(untilMs: number, done: () => boolean = () => false): number {
    let fired = 0
    while (!done()) {
      const next = this.heap[0]
      if (next === undefined || next.atMs > untilMs) {
        this.now = Math.max(this.now, Math.min(untilMs, next?.atMs ?? untilMs))
        return fired
      }
      this.pop()
      if (next.fire === undefined) continue
      this.now = next.atMs
      fired++
      next.fire()
    }
    return fired
  }

  private push(entry: Entry): void {
    const { heap } = this
    let at = heap.push(entry) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(entry, heap[parent] as Entry)) break
      heap[at] = heap[parent] as Entry
      at = parent
    }
    heap[at] = entry
  }

  private pop(): void {
    const { heap } = this
    const last = heap.pop() as Entry
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry)) child++
      if (!before(heap[child] as Entry, last)) break
      heap[at] = heap[child] as Entry
      at = child
    }
    heap[at] = last
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
