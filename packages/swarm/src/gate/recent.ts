/**
 * A map that remembers what was used lately: as a Map, but bounded.
 *
 * Two generations stand in for an order of use, as in a second-chance cache: whoever is asked for moves to the
 * young one, and when that is half of all, it becomes the old one and what was in the old one is forgotten. So
 * a lookup writes nothing as a rule, where keeping the exact order rewrote an entry for each.
 *
 * 1. At most `max` are remembered.
 * 2. Of those, the `max / 2` used last are always among them.
 */
export class Recent<Value> {
  private readonly generationMax: number
  private young = new Map<string, Value>()
  private old = new Map<string, Value>()

  /** Remembers nothing yet. @param max names, at most: two or more. */
  constructor(max: number) {
    this.generationMax = max >> 1
  }

  /** What is remembered under this name, which counts as a use of it. */
  get(name: string): Value | undefined {
    const value = this.young.get(name)
    if (value !== undefined || this.old.size === 0) return value
    const before = this.old.get(name)
    if (before === undefined) return undefined
    this.old.delete(name)
    this.set(name, before)
    return before
  }

  /** Remembers this under a name that has nothing in the young generation: `get` says so, or has moved it there. */
  set(name: string, value: Value): void {
    this.young.set(name, value)
    if (this.young.size < this.generationMax) return
    this.old = this.young
    this.young = new Map()
  }
}
