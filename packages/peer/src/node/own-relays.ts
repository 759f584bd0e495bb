import type { Transport } from '@libp2p/interface'
import { type Registrar, refusing } from './refusing.ts'

/** What a circuit relay transport is made of, as far as it is bounded. */
export interface RelayNeeds {
  readonly registrar: Registrar
}

/** What of @libp2p/circuit-relay-v2 (4) asks relays for a place; its type does not name it. */
interface Reserving {
  readonly reservationStore: {
    addRelay(relay: { toString(): string }, ...given: unknown[]): unknown
  }
}

/**
 * The same circuit relay transport, with the relays of this peer's swarm and no others. By itself it asks everybody for
 * a place who says that it relays, or that somebody wants to be met through it, and announces what that one answers.
 *
 * 1. A reservation is asked of these relays alone.
 * 2. Nobody else is listened to who brings somebody over a circuit.
 *
 * @param isRelay whether a peer is one of them, asked each time.
 */
export function onlyOwnRelays<Needs extends RelayNeeds>(
  create: (needs: Needs) => Transport,
  isRelay: (peer: string) => boolean,
): (needs: Needs) => Transport {
  return (needs) => {
    const registrar = refusing(needs.registrar, isRelay, 'no relay of this swarm')
    // Not assigned: libp2p's components hand on to the node what is set on them.
    const transport = create(Object.create(needs, { registrar: { value: registrar } }))
    const { reservationStore } = transport as Transport & Reserving
    const { addRelay } = reservationStore
    reservationStore.addRelay = async (relay, ...given) => {
      if (!isRelay(relay.toString())) throw new Error(`${relay} is no relay of this swarm`)
      return addRelay.call(reservationStore, relay, ...given)
    }
    return transport
  }
}
