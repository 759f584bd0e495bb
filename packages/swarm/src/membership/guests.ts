import type { AllowList } from './allow-list.ts'

/** By what guests are told apart. */
export interface GuestsNeeds {
  /** Undefined where everybody may come. */
  readonly allowList: AllowList | undefined
  /** A server of the swarm is let in whatever the list says: its host, or who joined by it, has named it. */
  isServer(peer: string): boolean
  /** Told of whoever is turned away. */
  refused(peer: string): void
}

/** Who is let in, at the gate of every connection. */
export interface Guests {
  /** Whether a peer may be connected to; says so where it may not. */
  admits(peer: string): boolean
  /** Hangs up on those connected who are taken off the list. Returns what ends that. */
  expel(connected: () => readonly string[], hangUp: (peer: string) => unknown): () => void
}

/** Lets in whoever a list names, or everybody. */
export function createGuests({ allowList, isServer, refused }: GuestsNeeds): Guests {
  const isInvited = (peer: string) =>
    allowList === undefined || isServer(peer) || allowList.admits(peer)
  return {
    admits(peer) {
      if (isInvited(peer)) return true
      refused(peer)
      return false
    },
    expel(connected, hangUp) {
      const look = () => {
        for (const peer of connected()) if (!isInvited(peer)) hangUp(peer)
      }
      return allowList?.onChange(look) ?? (() => undefined)
    },
  }
}
