// Without a type of libp2p: whoever installs the package has none of them.
import * as limits from './limits.ts'

/** What the relay does for others, within what bounds. */
export interface RelayLimits {
  readonly reservations: number
  readonly reservationTtlMs: number
  readonly circuitBytes: number
  readonly circuitMs: number
}

/** What `limits.ts` allows. */
export const RELAY_LIMITS: RelayLimits = Object.freeze({
  reservations: limits.RESERVATIONS_MAX,
  reservationTtlMs: limits.RESERVATION_TTL_MS,
  circuitBytes: limits.CIRCUIT_BYTES_MAX,
  circuitMs: limits.CIRCUIT_MS_MAX,
})

/** Bytes and streams of one libp2p protocol. */
export interface ProtocolTraffic {
  streams: number
  received: number
  sent: number
}

/** A peer came or went, or was turned away. */
export type RelayEvent =
  | { readonly type: 'peer-connected'; readonly peer: string }
  /** Its last connection is gone. */
  | { readonly type: 'peer-disconnected'; readonly peer: string }
  /** It is not on the allow-list, and was not let in. */
  | { readonly type: 'peer-refused'; readonly peer: string }

/** What the relay carries now and has carried so far. */
export interface RelaySnapshot {
  readonly connections: { readonly websocket: number; readonly tcp: number }
  readonly reservations: number
  /** Presence topics that are followed: lanes in which somebody is, or was a minute ago. */
  readonly presenceTopics: number
  /** Circuits asked for and granted, and refused because one peer asked for too many. */
  readonly circuits: { readonly granted: number; readonly refused: number }
  readonly traffic: Readonly<Record<string, Readonly<ProtocolTraffic>>>
}
