/** What a requester alone decides by. */

/** So often the last layer is tried again before the answer goes without it. */
export const HEADS_LOST_MAX = 2
/** Peers whose word of a loss was wrong, remembered; the one known for longest makes room. */
export const DISBELIEVED_MAX = 256
/** So many authors are asked to choose again before the request is offered to the whole lane. */
export const RESCUES_MAX = 3
/** A chosen provider answers within this, a claim or a step: no requester is more impatient. */
export const NAMED_STALL_MS = 700
/** Whoever is at work is waited for so many times what it said at first: then its engine hangs, or it lies. */
export const BELIEF_FACTOR = 3
/** A request that has stood still for so many times that is starved: its lane has been asked in vain. */
export const STARVED_STALLS = 4
/** Of the time that is left, one step may take so much by claims and new names alone: what follows needs the rest. */
export const HELD_UP_SHARE = 1 / 3
