import type { Clock } from '../ports.ts'
import { CALENDAR_SLOTS_MS } from './limits.ts'

/** Something that happens at a moment; scheduled once. Subclasses save a closure per event. */
export abstract class VirtualEvent {
  atMs = 0
  /** Breaks ties in the order of asking, so that a run can be replayed. */
  order = 0
  /** It will not happen, and does not count as an event. */
  cancelled = false

  abstract fire(): void
}

class Wake extends VirtualEvent {
  private happen: () => void

  constructor(happen: () => void) {
    super()
    this.happen = happen
  }

  fire(): void {
    this.happen()
  }

  cancel(): void {
    this.cancelled = true
    // What it would have done may hold on to much.
    this.happen = () => {}
  }
}

/**
 * Virtual time: events happen in order, at once, on one thread.
 *
 * A calendar queue: most events are a few milliseconds ahead, and with hundreds of thousands of them
 * a slot is found much faster than a place in a heap.
 */
export class VirtualClock implements Clock {
  private readonly slots: VirtualEvent[][] = Array.from({ length: CALENDAR_SLOTS_MS }, () => [])
  private readonly far: VirtualEvent[] = []
  /** The whole millisecond that is being worked off, sorted from `next` on. */
  private slotMs = 0
  private slot: VirtualEvent[] = []
  private next = 0
  /** Events in slots. */
  private near = 0
  private now = 0
  private asked = 0

  nowMs(): number {
    return this.now
  }

  wakeAt(atMs: number, fire: () => void): () => void {
    const wake = new Wake(fire)
    this.schedule(atMs, wake)
    return () => wake.cancel()
  }

  /** Like `wakeAt`, for those who never cancel. */
  schedule(atMs: number, event: VirtualEvent): void {
    event.atMs = Math.max(atMs, this.now)
    event.order = this.asked++
    this.place(event)
  }

  /** Fires events until `done` says so, nothing is left or the time is `untilMs`. Returns events fired. */
  run(untilMs: number, done: () => boolean = () => false): number {
    let fired = 0
    while (!done()) {
      const event = this.peek(untilMs)
      if (event === undefined || event.atMs > untilMs) {
        this.now = Math.max(this.now, untilMs)
        return fired
      }
      this.next++
      this.near--
      if (event.cancelled) continue
      this.now = event.atMs
      fired++
      event.fire()
    }
    return fired
  }

  private place(event: VirtualEvent): void {
    const ms = Math.floor(event.atMs)
    if (ms >= this.slotMs + CALENDAR_SLOTS_MS) {
      push(this.far, event)
      return
    }
    this.near++
    if (ms > this.slotMs) (this.slots[ms % CALENDAR_SLOTS_MS] as VirtualEvent[]).push(event)
    else this.insert(event)
  }

  /** Into the slot that is being worked off. */
  private insert(event: VirtualEvent): void {
    const { slot } = this
    let low = this.next
    let high = slot.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (before(event, slot[middle] as VirtualEvent)) high = middle
      else low = middle + 1
    }
    if (low === slot.length) slot.push(event)
    else slot.splice(low, 0, event)
  }

  /** The next event, if it lies in a slot that begins by `untilMs`. */
  private peek(untilMs: number): VirtualEvent | undefined {
    for (;;) {
      const event = this.slot[this.next]
      if (event !== undefined) return event
      const following = this.near > 0 ? this.slotMs + 1 : Math.floor(this.far[0]?.atMs ?? Infinity)
      if (following > untilMs || following === Infinity) return undefined
      this.turnTo(following)
    }
  }

  /** Makes another millisecond the current one. */
  private turnTo(ms: number): void {
    this.slotMs = ms
    this.slot.length = 0
    this.next = 0
    const spent = this.slot
    this.slot = this.slots[ms % CALENDAR_SLOTS_MS] as VirtualEvent[]
    this.slots[ms % CALENDAR_SLOTS_MS] = spent
    while (this.far[0] !== undefined && Math.floor(this.far[0].atMs) < ms + CALENDAR_SLOTS_MS) {
      const event = pop(this.far) as VirtualEvent
      const at = Math.floor(event.atMs)
      this.near++
      if (at > ms) (this.slots[at % CALENDAR_SLOTS_MS] as VirtualEvent[]).push(event)
      else this.slot.push(event)
    }
    if (this.slot.length > 1) this.slot.sort(compare)
  }
}

function before(a: VirtualEvent, b: VirtualEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function compare(a: VirtualEvent, b: VirtualEvent): number {
  return a.atMs - b.atMs || a.order - b.order
}

function push(heap: VirtualEvent[], event: VirtualEvent): void {
  let at = heap.push(event) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!before(event, heap[parent] as VirtualEvent)) break
    heap[at] = heap[parent] as VirtualEvent
    at = parent
  }
  heap[at] = event
}

function pop(heap: VirtualEvent[]): VirtualEvent | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return first
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (
      child + 1 < heap.length &&
      before(heap[child + 1] as VirtualEvent, heap[child] as VirtualEvent)
    )
      child++
    if (!before(heap[child] as VirtualEvent, last)) break
    heap[at] = heap[child] as VirtualEvent
    at = child
  }
  heap[at] = last
  return first
}
