/** Bounds of the echo; the unit is the last word of each name. */

/** One frame: larger than any activation that the benchmarks of hops send. */
export const ECHO_FRAME_BYTES_MAX = 4 << 20
