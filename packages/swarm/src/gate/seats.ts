/** How many of something each name holds, an address its sockets for one, and that none holds too many. */
export interface Seats {
  /** Takes one more; false, and takes none, when the name holds all that it may. */
  take(name: string): boolean
  /** Gives one back that was taken. */
  giveBack(name: string): void
}

/** Nobody holds any. @param max that one name may hold. Names without any are forgotten. */
export function createSeats(max: number): Seats {
  const held = new Map<string, number>()
  return {
    take(name) {
      const count = held.get(name) ?? 0
      if (count >= max) return false
      held.set(name, count + 1)
      return true
    },
    giveBack(name) {
      const count = held.get(name) ?? 0
      if (count > 1) held.set(name, count - 1)
      else held.delete(name)
    },
  }
}
