import { SILENT_CLAIM_MS } from '../limits.ts'

/** What a provider alone decides by; the unit is the last word of each name. */

/** So many peers try to pull a tensor before the step before it is offered again. */
export const PULLERS_MAX = 2
/** Per presence interval without work: a peer that measured ten times too slow is back in half a minute. */
export const IDLE_FACTOR = 0.7
/** And no nearer to 1 than this, however often runs have shown that it was wrong. */
export const IDLE_FACTOR_MAX = 0.98
/** A run that takes so many times what was believed refutes it: less is noise. */
export const REFUTED_FACTOR = 1.5
/** Whoever believes to be slower than so many times the usual is seldom chosen, and learns nothing of its belief. */
export const TRIED_FACTOR = 5
/** Weight of one more run in the average of a peer's runs, when the last one was just now. */
export const RUN_WEIGHT = 0.1
/** A held tensor is assumed to arrive at this many bytes per millisecond (4 Mbit/s) or faster. */
export const PULL_BYTES_PER_MS = 500

/** A request that a neighbour pays for to whom there is no connection any more is followed no longer than this: nobody hears of its end. */
export const UNPAID_MS = 60_000
/** A requester has the lane to itself when nobody else has asked for this long. */
export const ALONE_AFTER_MS = 60_000
/** Requesters whose refusals are counted. */
export const REQUESTERS_MAX = 256
/** So many refused requests of one requester, none of its requests ending in between, are a flood. */
export const REFUSALS_MAX = 64
/** The time within which refusals add up to a flood. */
export const REFUSALS_WITHIN_MS = 10_000

/** So many are chosen for one step before it is left to whoever answers first. */
export const HANDOVERS_MAX = 24
/** So often somebody who was silent before is chosen again. */
export const AGAINS_MAX = 2
/** Handling at both ends, beside two round trips, before silence means anything. */
export const RESPONSE_SLACK_MS = 40
/** Runs that take longer than this are said to go on: twice what is worth a claim in words. */
export const LONG_RUN_MS = 2 * SILENT_CLAIM_MS
/** A claim of somebody at work holds for this beside the transfer and the runs. */
export const AT_WORK_MS = 200
/** And for so many times what is left of the transfer. */
export const TRANSFER_FACTOR = 2.5
/** Silence is judged so much more patiently for each that was given up and answers after all. */
export const PATIENCE_GROWTH = 1.15
/** And so much less for each that answers in time. */
export const PATIENCE_DECAY = 0.997
/** The most patient, in times of the usual. */
export const PATIENCE_MAX = 3
/** Whoever is named for a step holds it for so many staggers, until it says something itself. */
export const NAMED_FACTOR = 2
/** And at least for this. */
export const NAMED_MS_MIN = 1_000
/** A newcomer is tried by one author, drawn anew each time, within this of its first presence and again after it. */
export const NEWCOMER_SLOT_MS = 2_500
/** While it waits for its first work they are twice as many after each of these but the first: all of a full lane after six seconds. */
export const URGENT_MS = 1_000
/**
 * Where a layer takes longer, an author tries also who has delivered to somebody that it does not trust yet: with 94 ms
 * and a fifth of stragglers the 95th percentile is then 1.7 times that of a calm lane, otherwise 2.1 (medians of five).
 */
export const TRIED_BY_EACH_MS = 20
/** Whoever passes a tensor on answers within this, beside the ways and the transfer. */
export const RELAY_MS = 400
/** A stranger that says it is at work is believed for so many times what the work should take. */
export const STRANGER_FACTOR = 2
/** How long a requester is told that somebody lives who has gone on and has no way to it. */
export const ALIVE_MS = 700
/** A claim is renewed when so much of its time has passed. */
export const RENEWAL_SHARE = 0.6
/** Work that takes longer than it should is claimed again for so many times what it has taken. */
export const OVERDUE_FACTOR = 2
/** Long work is heard of at least this often: nobody believes a claim for longer than STALL_MS_MAX. */
export const RENEWAL_MS_MAX = 2_000
/** A host that has had no room for work for so long, and delivers nothing, counts as none: it was heard three times and more. */
export const NEVER_FREE_MS = 20_000
