/** Bounds of the test world and of the acceptance suites, unit last; what a suite waits for seldom takes so long. */

/** How often a suite looks whether something has happened. */
export const LOOK_MS = 10
/** What must happen at all happens within this: a tensor's holder that is gone costs TENSOR_TIMEOUT_MS. */
export const PATIENCE_MS = 20_000
/** A timer that is due, or a call that is to be answered late, comes within this on a busy machine. */
export const LATE_MS = 5_000
/** Of many timers one at least is this punctual, however busy the machine. */
export const PUNCTUAL_MS = 50
/** How long a clock is watched: one that is set right now and then may run back after a second or two. */
export const WATCHED_MS = 2_500
/** Two right clocks differ by so much over a tenth of a second: one may count whole milliseconds only. */
export const CLOCKS_APART_MS = 2
/** Runs that a compute is given at once: more than a provider's slots, batches and images in a batch. */
export const RUNS_AT_ONCE = 30
/** Of the time that many runs at once take together, an engine computes at least this part; the rest is on the way. */
export const BUSY_SHARE_MIN = 0.01
/** What a busy machine may spoil once is tried so often. */
export const TRIES_MAX = 10
/** Draws of a source of randomness: what repeats itself after fewer is noticed. */
export const DRAWS_COUNT = 1_000
/** Different values of one byte of that many draws: 251 of 256 are to be expected, so few never come by chance. */
export const PLACE_VALUES_MIN = 200
/** Events of the next so many milliseconds lie in one slot per millisecond, later ones in a heap. */
export const CALENDAR_SLOTS_MS = 8_192
/** Marks of symbolic lies below this are of those that show in the size of the step: random numbers, or another scale. */
export const SHOWING_MARKS_END = 128
