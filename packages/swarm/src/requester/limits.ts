/** What a requester alone decides by. */

/** So often the last layer is tried again before the answer goes without it. */
export const HEADS_LOST_MAX = 2
/** So many who still speak of a request that has ended are told so, once each: more than can be at work on one. */
export const LATE_TOLD_MAX = 32
/** Of those whom an author named for one step and no longer does, the latest so many have a say in whether its tensor is there. */
export const NAMED_MAX = 8
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

/** The head takes no less than this, by the clock of a machine that does other things too: a turn of its worker and of its event loop. */
export const HEAD_MS_MIN = 50
/** And is not reckoned with more: an engine that has hung is started anew, and that once says nothing of the next time. */
export const HEAD_MS_MAX = 1_000
/** What the head is taken to need before it has run once here. */
export const HEAD_MS_UNKNOWN = 250
/** A tensor is fetched in no less than this: two turns of two event loops. */
export const PULL_MS_MIN = 50
/** And is not reckoned with more: of 300 kB through the slowest accesses that tensors are waited for at all. */
export const PULL_MS_MAX = 3_000
/** What a pull is taken to need before one has ended here: a few round trips, and 300 kB at 11 Mbit/s twice. */
export const PULL_MS_UNKNOWN = 1_250
/** Getting the scores is given no more of a request's time than this, however long it takes: without a layer there is nothing to score. */
export const SCORING_SHARE_MAX = 1 / 4
/** So long before its end a request is in a hurry, or so many times what its scores take, whichever is longer: each of its steps is scored as it comes. */
export const HURRY_MS = 1_500
/** See HURRY_MS: twice for a step that is superseded while its scores are on their way, and once for what goes wrong. */
export const HURRY_FACTOR = 3
/** And no longer than so much of the whole time, but for what the scores of one step take: scores on the way cost a transfer each. */
export const HURRY_SHARE_MAX = 1 / 2
/** Answers of which it is told what audits find afterwards: those of the minute that an audit takes at most, at four a second. */
export const CHECKED_ANSWERS_MAX = 256
/** Within this after it came a newcomer has been greeted by those who host something, on a busy machine too. */
export const GREETED_MS = 2_000
/** Silent peers that an error names: a line is short. */
export const SILENT_NAMED_MAX = 3
