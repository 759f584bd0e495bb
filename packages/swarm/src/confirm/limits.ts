/** What asking twice is bounded by. */

/**
 * Random orders that are drawn in search of one that shares nothing with two others: of eight layers
 * one in 60 does, and all draws together cost a requester under a millisecond.
 */
export const DISJOINT_DRAWS_MAX = 512
