/** How much of its time a member gives to checking who was in charge. */

/** Links that are remembered as checked: those of a few hundred requests, half a kilobyte each. */
export const VERIFIED_MAX = 2_048
/** Steps whose links are being checked at once: a check takes about a millisecond, in a browser without native Ed25519 two. */
export const CHECKS_AT_ONCE_MAX = 128
/** Of these, steps that one neighbour handed over. */
export const CHECKS_AT_ONCE_PER_NEIGHBOUR_MAX = 32
/**
 * Links of what one neighbour hands over that are checked in a second. An honest step brings three or four that are
 * new, and a neighbour says a few dozen steps a second; 0.1 to 0.4 ms each.
 */
export const CHECKS_PER_SECOND = 400
/** So many at once: two seconds of the rate. */
export const CHECKS_BURST = 800
/** What a check that fails costs the neighbour beside it, in checks. */
export const FALSE_CHECK_COST = 40
/** Neighbours whose checks are counted. */
export const CHECKED_NEIGHBOURS_MAX = 512
/** A requester's clock is known as well as its presence is quick: a request that seems longer than it may by this is none. */
export const CLOCK_SLACK_MS = 15_000
