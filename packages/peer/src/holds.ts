/** What can keep a peer from taking work while it is in the swarm; the first one held is the one shown. */
export const HOLDS = ['user', 'frozen', 'offline', 'engine'] as const
/** One of `HOLDS`. */
export type HoldName = (typeof HOLDS)[number]

/** Why a peer takes no work. */
export interface Hold {
  readonly by: HoldName
  /** One line for people. */
  readonly reason: string
}

/** The reasons of one peer; it takes work when there is none. */
export interface Holds {
  /** The one to show, undefined while the peer takes work. */
  readonly current: Hold | undefined
  hold(by: HoldName, reason: string): void
  release(by: HoldName): void
}

/** @param changed told when the peer is to stop taking work, and when it may again. */
export function createHolds(changed: (held: boolean) => void): Holds {
  const held = new Map<HoldName, string>()
  return {
    get current() {
      const by = HOLDS.find((name) => held.has(name))
      return by === undefined ? undefined : { by, reason: held.get(by) ?? '' }
    },
    hold(by, reason) {
      const wasHeld = held.size > 0
      held.set(by, reason)
      if (!wasHeld) changed(true)
    },
    release(by) {
      if (held.delete(by) && held.size === 0) changed(false)
    },
  }
}
