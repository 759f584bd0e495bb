/** Bounds of engines; the unit is the last word of each name. */

/** Below this time counts, and a second copy does not: a layer of models/fashion-vit is 135 kB, one of ViT-B 28 MB. */
export const LEAN_FILE_BYTES_MIN = 1 << 20
