import type { Holds } from '../holds.ts'
import type { LifeEvent, WatchLife } from './life.ts'

/** What is known of the page that a peer lives in. */
export interface LifeState {
  /** Nobody looks at the page. */
  readonly hidden: boolean
}

/** What follows from the events of a page’s life. */
export interface LifeNeeds {
  readonly holds: Holds
  /** Tells every connected peer, synchronously, that this one is gone. */
  sayGoodbye(): void
  /** Looks whether the connections still live. */
  lookAround(): void
}

/** Does what docs/tab-life.md says about each event of a page's life. */
export function followLife(
  watch: WatchLife,
  { holds, sayGoodbye, lookAround }: LifeNeeds,
): { readonly state: LifeState; stop(): void } {
  const state = { hidden: false }

  function react(event: LifeEvent): void {
    switch (event) {
      case 'vanished':
      case 'frozen':
        // A frozen page keeps its sockets: without a word the others would wait for it.
        holds.hold('frozen', 'the browser froze this tab')
        return sayGoodbye()
      case 'woken':
        holds.release('frozen')
        return lookAround()
      case 'went-offline':
        return holds.hold('offline', 'this device is offline')
      case 'went-online':
        holds.release('offline')
        return lookAround()
      case 'hidden':
        state.hidden = true
        return
      case 'shown':
        state.hidden = false
        return
      default:
        event satisfies never
    }
  }

  return { state, stop: watch(react) }
}
