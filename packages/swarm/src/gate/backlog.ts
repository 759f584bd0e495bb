/**
 * The backlog of a listener: who has opened a socket and not yet proved anything by it (`listen(2)`). A
 * fixed number of places that whoever comes first keeps is full as soon as one address opens so many
 * sockets and says nothing. Here the address that holds the most gives way, as in the random early drop of
 * OpenSSH's `MaxStartups`, without its chance.
 *
 * 1. At most `max` wait. One more, and the longest waiting of the address with the most of them is cut.
 * 2. So nobody is cut while another address has more waiting than his own.
 * 3. Each is cut once at most, and never after it has left.
 */
export interface Backlog {
  /**
   * Lets one in.
   * @param address whose sockets are counted together.
   * @param cut ends it; called from within `enter` only, perhaps of this very one.
   * @returns to be called when it is through or gone; calling it again does nothing.
   */
  enter(address: string, cut: () => void): () => void
  /** How many wait now. */
  readonly size: number
}

/** Nobody waits yet. @param max how many may, at most. */
export function createBacklog(max: number): Backlog {
  // Sets and Maps iterate in insertion order: the first of an address has waited longest.
  const waiting = new Map<string, Set<() => void>>()
  let size = 0

  function leave(address: string, cut: () => void): void {
    const beside = waiting.get(address)
    if (beside?.delete(cut) !== true) return
    size -= 1
    if (beside.size === 0) waiting.delete(address)
  }

  function cutOne(): void {
    let fullest: [string, ReadonlySet<() => void>] | undefined
    for (const entry of waiting) {
      if (fullest === undefined || entry[1].size > fullest[1].size) fullest = entry
    }
    if (fullest === undefined) return
    const [address, cuts] = fullest
    const [longest] = cuts
    if (longest === undefined) return
    leave(address, longest)
    longest()
  }

  return {
    enter(address, cut) {
      // Of its own: the same function may be given for two sockets.
      const own = () => cut()
      waiting.set(address, (waiting.get(address) ?? new Set()).add(own))
      size += 1
      if (size > max) cutOne()
      return () => leave(address, own)
    },
    get size() {
      return size
    },
  }
}
