/** Bounds of engines; the unit is the last word of each name. */

/** Below this time counts, and a second copy does not: a layer of models/fashion-vit is 135 kB, one of ViT-B 28 MB. */
export const LEAN_FILE_BYTES_MIN = 1 << 20

/**
 * Less is not worth the message channel that frees it, and Node keeps several small arrays in one piece of memory. An
 * activation of ViT-B has 0.3 MB on the wire, and twice that in an engine.
 */
export const FREED_BYTES_MIN = 128 << 10

/** How long the exit of a process waits for the native calls of its workers. */
export const NATIVE_EXIT_MS_MAX = 4_000
