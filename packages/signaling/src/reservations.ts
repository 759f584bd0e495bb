import type { CircuitRelayService } from '@libp2p/circuit-relay-v2'
import type { PeerId } from '@libp2p/interface'
import { RESERVATION_NAMED_MS } from './limits.ts'

/** Places under which peers are introduced to others. */
export interface Reservations {
  /**
   * Gives a reservation back. libp2p's own renewal leaves the timer of every earlier renewal running, and the
   * oldest would end a reservation that was renewed since; so each renewal starts from a reservation that is
   * gone, timer and all.
   */
  release(peer: PeerId): void
  /** Ends their timers. */
  stop(): void
  peers(): Iterable<PeerId>
  readonly size: number
}

/** What of libp2p's relay grants them; its types do not name it. */
interface Granting {
  readonly reservationStore: {
    reserve(...words: unknown[]): { readonly status: string; readonly expire?: number }
  }
}

/**
 * The reservations of a relay. It names their end in its wall clock, and libp2p's clients compare that with
 * theirs: where the server's is ten minutes behind, set back or never right, they find that the reservation
 * is over already and give it up, and nobody can be introduced. So the end that is named lies far ahead. When
 * a reservation ends counts a timer, and peers renew it by one of theirs.
 */
export function reservationsOf(relay: CircuitRelayService): Reservations {
  const { reservationStore: store } = relay as CircuitRelayService & Granting
  const reserve = store.reserve.bind(store)
  store.reserve = (...words) => {
    const granted = reserve(...words)
    if (granted.expire === undefined) return granted
    return { ...granted, expire: granted.expire + Math.round(RESERVATION_NAMED_MS / 1_000) }
  }
  return {
    release(peer) {
      relay.reservations.get(peer)?.signal.clear()
      relay.reservations.delete(peer)
    },
    stop() {
      for (const { signal } of relay.reservations.values()) signal.clear()
    },
    peers: () => relay.reservations.keys(),
    get size() {
      return relay.reservations.size
    },
  }
}
