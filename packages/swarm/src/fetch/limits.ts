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
