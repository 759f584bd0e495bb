/**
 * What happens to the place where a peer runs, beyond its own doing. docs/tab-life.md says what a
 * peer does about each.
 */
export type LifeEvent =
  /** The page goes away, with no time for a promise; it may come back from the back-forward cache. */
  | 'vanished'
  /** No code will run from now on, while the sockets stay open. */
  | 'frozen'
  /** Code runs again, after a freeze, a sleep of the machine, or a stay in the back-forward cache. */
  | 'woken'
  | 'went-offline'
  | 'went-online'
  /** The page is not looked at: its timers run late. */
  | 'hidden'
  | 'shown'

/** @returns what stops telling. */
export type WatchLife = (listener: (event: LifeEvent) => void) => () => void
