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
