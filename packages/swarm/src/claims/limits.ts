/** What the claim policies and the judgement of conduct are tuned by; the unit is the last word of each name. */

/** Finishing times closer than this count as equal, so that a draw and not noise decides. */
export const FINISH_STEP_MS = 16
/** On a network as near as this it does not matter who has the activation already. */
export const NEAR_MS = 40
/**
 * Strangers wait behind those who have delivered, as if they needed this much longer, so that a crowd
 * of idle claimers does not stand before every step.
 */
export const UNPROVEN_MS = 400
/** On one step in so many they do not wait, so that honest newcomers prove themselves. */
export const TRIAL_ONE_IN = 8

/** Weight of one more delivery in the smoothed time of a peer. */
export const PEER_WEIGHT = 1 / 4
/** Weight of one more delivery in the smoothed time of the lane. */
export const LANE_WEIGHT = 1 / 16
/** A peer this many times slower than usual is a straggler. */
export const SLOW_FACTOR = 3
/** Differences below this are noise, whatever the factor. */
export const SLOW_MS = 100
/** A straggler is given another chance after this. */
export const SLOW_FOR_MS = 60_000
/** From so many unredeemed strikes on a peer's claims hold nobody up; a stranger's from the first. */
export const STRIKES_MAX = 2
/** How long claims of a peer with too many strikes hold nobody up, per strike. */
export const DISTRUST_MS = 30_000
/** Peers whose conduct is remembered; the one known for longest makes room. */
export const RECORDS_MAX = 1_024

/** Tours that a search keeps at each stop: more found nothing shorter in a lane of 24. */
export const TOUR_BEAM = 24
/** What an open layer is taken to cost at least while tours are compared that are not finished. */
export const OPEN_LAYER_MS_MIN = 15
/** Work counts so much less at each further stop: whoever chooses then may know a better host, so what is dear comes last. */
export const LATER_WEIGHT = 0.95
/** What a layer without a host is taken to cost. */
export const UNSERVED_LAYER_MS = 2_000
/** Handling of one visit, beside its way and its work. */
export const VISIT_OVERHEAD_MS = 5
/** A way that nobody has measured is taken for this long: choosing it must be worth a time-out. */
export const WAY_UNKNOWN_MS = 1_000
/** What a straggler is taken to cost beyond its announced time. */
export const STRAGGLER_EXTRA_MS = 300
/** Handling of a time-out, beside the round trips that it waits. */
export const TIME_OUT_OVERHEAD_MS = 60
/** The share of strangers taken to fail before anything is known. */
export const STRANGERS_FAIL_START = 0.5
/** Where fewer fail, strangers are honest: a newcomer is owed its first work by ever more authors. */
export const STRANGERS_FAIL_HONEST = 0.45
/** More than this share of them is never believed to fail: a few are tried for ever. */
export const STRANGERS_FAIL_MAX = 0.95
/** Weight of a stranger that delivered in that share. */
export const STRANGER_GOOD_WEIGHT = 0.15
/** Weight of one that let its author down. */
export const STRANGER_BAD_WEIGHT = 0.3
/** One choice in so many goes to a stranger while they deliver. */
export const STRANGER_TRIAL_ONE_IN = 16
/** And so many when all of them fail. */
export const STRANGER_TRIAL_ONE_IN_MAX = 256
/** A stranger is not tried whose visit costs so many times per layer what the better hosts' do. */
export const TRIAL_FACTOR = 3
/** But no distance alone is too far: up to this a layer is never too dear for a trial. */
export const TRIAL_LAYER_MS = 600
/** Layers in one of the two words of a set: half of LAYERS_MAX. */
export const LAYER_WORD_BITS = 32
