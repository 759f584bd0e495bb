/** What rounds are bounded and tuned by; the unit is the last word of each name. */

/** Sums of updates that an executor keeps for their hubs; the oldest makes room. Each is pushed when it is made, so few are asked for again. */
export const SUMS_HELD_MAX = 32
/** Handling of one share of a round, beside its way and its work: two turns of two event loops. */
export const SHARE_OVERHEAD_MS = 5
/**
 * Bytes per millisecond of an access that nobody has measured (100 Mbit/s): an access is measured by what crosses it, so
 * one that is thought slow is never tried, and two peers side by side would never share a picture. A slow one costs
 * one picture.
 */
export const TRIED_BYTES_PER_MS = 12_500
/** Rounds must promise to be quicker than a tour by this factor: an estimate is no measurement. */
export const ROUNDS_GAIN_MIN = 1.05
/**
 * What a tour usually takes beside what is expected of it, the quickest of many; the median of the lab's scenarios over
 * the internet, whatever their model.
 */
export const TOUR_TIMES_USUAL = 1.5
/** The same of rounds: who is asked is known when they are expected. */
export const ROUNDS_TIMES_USUAL = 1.25
/** Of each way of answering, so many of the newest requests say how far it takes longer than expected. */
export const EXPERIENCE_MAX = 16
/** For so long: then it is tried again. */
export const EXPERIENCE_MS = 600_000

/** An executor is waited for so many times what its share should take. */
export const SHARE_PATIENCE = 2
/** And so many times where it has not measured yet what a layer takes. */
export const UNMEASURED_PATIENCE = 4
/** And this long beside that: a clock tick of a busy machine, a lost packet. */
export const SHARE_SLACK_MS = 150
/** Executors are waited for longer by this factor for each that was given up and came after all. */
export const LATE_GROWTH = 1.2
/** And so much shorter for each in time. */
export const LATE_DECAY = 0.99
/** The most patient, in times of the usual. */
export const LATE_MAX = 4

/** A round is over after so many times what it should take: time for a second executor, and for a third. */
export const ROUND_PATIENCE = 6
/** And not before this. */
export const ROUND_MS_MIN = 1_000
/** Of the time that is left, in equal parts for the rounds that are left, one takes so much at most. */
export const ROUND_SHARE_MAX = 0.8
/** Of a hub's uplink copies of inputs take so much at most: messages, and tensors that others ask for, take theirs unseen. */
export const COPIES_SHARE = 0.8
/** Layers are run again when the rounds of this hub's requests are over, or after this: they would take their executors' time. */
export const RECOUNT_WAIT_MS = 1_000
/** Whether an answer still waits for audits is looked at again after this. */
export const HELD_LOOK_MS = 50
/** Of one request rounds are run again so often, as an era of a tour is begun again. */
export const GO_BACKS_MAX = 15
