/** When a tensor that does not come is asked for, and when it counts as lost; the unit is the last word of each name. */

/** A pushed tensor is waited for so many times what the ways and the accesses should take. */
export const PUSH_FACTOR = 2.5
/** And so much for the handling at both ends, milliseconds. */
export const PUSH_SLACK_MS = 30
/** Its packets leave after those of the message that names it: the way itself is no wait, but jitter is. */
export const PUSH_ROUND_TRIPS = 0.25
/** Who is asked answers within so many round trips, */
export const ASKED_ROUND_TRIPS = 1.25
/** and within so many times what the accesses should take: others are sent theirs before. */
export const ASKED_FACTOR = 2.5
/** And so much for the handling at both ends, milliseconds. */
export const ASKED_SLACK_MS = 40
/** Tensors are waited for so much longer for each that came later than a push should. */
export const LATE_GROWTH = 1.25
/** And so much less for each that came in time. */
export const LATE_DECAY = 0.99
/** The most patient, in times of the usual. */
export const LATE_MAX = 8

/** Peers that are remembered for how their results reached others: those of a few lanes. */
export const GIVERS_MAX = 256
/** So many must have waited for a peer's results in vain: nobody's word alone speaks against another. */
export const WITHHELD_WITNESSES = 2
/** A peer is avoided of whose results more than this do not arrive, and not believed that says so of more than this; between honest ones a few in a hundred do not. */
export const VAIN_SHARE_MAX = 1 / 2
/** Weight of one more result in that share, once there are a few. */
export const VAIN_WEIGHT_MIN = 1 / 5
/** So long it is avoided the first time: it may have been its network. */
export const AVOIDED_FOR_MS = 30_000
/** And so often twice as long, four minutes in the end: somebody may have made it look so. */
export const AVOIDED_TURNS_MAX = 3
