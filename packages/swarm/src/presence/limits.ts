/** How hosts are counted and layers placed. */

/** A host this many times slower than the median one, and slower than this, counts as so much of a host. */
export const SLOW_HOST_FACTOR = 3
export const SLOW_HOST_MS = 50
export const SLOW_HOST_WEIGHT = 0.25
/** Every peer looks at the same coverage, so only so many of them may act at once. */
export const ACTORS_PER_ROUND = 2
