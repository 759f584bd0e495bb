/** How large and how long the tests and measurements of this folder are; the unit is the last word of each name. */

/** Bytes of a step in the middle of a request of 16 layers. */
export const STEP_BYTES = 400
/** Simulated members have met, loaded their layers and measured their ways after so long. */
export const MEETING_MS = 10_000
/** Of one value of an activation as it travels by default. */
export const FLOAT16_BYTES = 2
/** For which the bootstrap node of a test grants a reservation, unless it says otherwise: as a server does. */
export const RESERVATION_TTL_MS = 10 * 60_000
/** Gossiped messages that a hostile peer remembers, to say them again: those of a minute among eight peers. */
export const GOSSIP_KEPT_MAX = 4_096
/** Whoever grafts within this after a prune is answered each time, and does not get in. */
export const BACKOFF_SECONDS = 3_600
