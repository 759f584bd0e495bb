/** What a requester alone decides by. */

/** So often the last layer is tried again before the answer goes without it. */
export const HEADS_LOST_MAX = 2
