/** How hosts are counted and layers placed. */
import { PEERS_MAX } from '../limits.ts'

/** A host this many times slower than the median one is slow. */
export const SLOW_HOST_FACTOR = 3
/** A host faster than this is never slow, whatever the median. */
export const SLOW_HOST_MS = 50
/** What a slow host counts for in the strength of a layer. */
export const SLOW_HOST_WEIGHT = 0.25
/** Names whose `draw` is remembered: PEERS_MAX members, and as many requesters that were only heard of. */
export const MARKS_MAX = 2 * PEERS_MAX
/** Every peer looks at the same coverage, so only so many of them may act at once. */
export const ACTORS_PER_ROUND = 2
/** Steps of the scale of announced round trips: neighbouring ones are 6.5 % apart, the last is 2.8 s. */
export const WAY_STEPS_PER_DOUBLING = 11
/** The code of a round trip that is not known. */
export const WAY_UNKNOWN = 127
/** By so much the interval between two presences grows while nothing changes. */
export const PRESENCE_GROWTH = 1.6
/** Of so many presences in a row one is whole, half a minute apart at the most: whoever missed one is soon in the picture. */
export const WHOLE_PRESENCE_EVERY = 6
/** A neighbour that is so many steps of the scale nearer or farther than was said is news: a fifth. */
export const WAY_NEWS_STEPS = 3
/** Between the turns of two hosts that greet a newcomer: for the first one's word to get to the second. */
export const GREETING_STEP_MS = 50
/** One member greets no more often, whoever asks. */
export const GREETING_INTERVAL_MS = 2_000
/** So many hosts that a newcomer hears of bring it to the others. */
export const GREETINGS_ENOUGH = 2
/** How often is looked whether a newcomer is reached now. */
export const WELCOME_RETRY_MS = 300
/** After this long it has heard a regular presence of everybody (PRESENCE_INTERVAL_MS_MAX). */
export const WELCOME_WITHIN_MS = 5_000
/** Bytes per millisecond of an access that nobody has measured (4 Mbit/s). */
export const ACCESS_BYTES_PER_MS = 500
