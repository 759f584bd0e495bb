/** What a provider alone decides by; the unit is the last word of each name. */

/** So many peers try to pull a tensor before the step before it is offered again. */
export const PULLERS_MAX = 2
/** Per presence interval without work: a peer that measured ten times too slow is back in half a minute. */
export const IDLE_FACTOR = 0.8
/** Weight of one more run in the average of a peer's runs, when the last one was just now. */
export const RUN_WEIGHT = 0.1
/** A held tensor is assumed to arrive at this many bytes per millisecond (4 Mbit/s) or faster. */
export const PULL_BYTES_PER_MS = 500

/** A requester has the lane to itself when nobody else has asked for this long. */
export const ALONE_AFTER_MS = 60_000
/** Requesters whose refusals are counted. */
export const REQUESTERS_MAX = 256
/** So many refused requests of one requester, none of its requests ending in between, are a flood. */
export const REFUSALS_MAX = 64
/** The time within which refusals add up to a flood. */
export const REFUSALS_WITHIN_MS = 10_000
