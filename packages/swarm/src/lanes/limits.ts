/** How peers spread over the lanes of a release. */

/** How often a member asks how full the lanes are, give or take a quarter: a question is 0.5 kB, an answer 50 bytes a lane. */
export const LANES_LOOK_MS = 10_000
/** After it has entered a lane, or sees that its own is overfull, it asks again after this: news of the others' moves has come. */
export const LANES_LOOK_SOON_MS = 2_000
/** Part by which the time between two looks differs from member to member and from look to look. */
export const LOOK_SPREAD = 0.25
/** A lane is merged into another when it has had fewer than a third of its providers for this long. */
export const LANE_SETTLE_MS = 15_000
/** A lane lacks a layer when two counts say so that are this far apart: one may come between two presences. */
export const LANE_LACKS_MS = 5_000
/** Nobody leaves a small lane sooner than this to merge: less would cost more presence than it saves. */
export const LANE_STAY_MS = 30_000
/** Nobody leaves a lane sooner than this to help another: those there wait for work meanwhile, or cannot do any. */
export const HELP_STAY_MS = 10_000
/** No asker does sooner than this: it uncovers no layer, and where nobody asks providers wait for it. */
export const ASKER_STAY_MS = 10_000
/** A provider that is to move finishes its work first, for at most this long. */
export const MOVE_PATIENCE_MS = 5_000
/** A lane in which nobody answered is not entered again for so long: two lives of a sybil's name. */
export const BARREN_MS = 120_000
/** An asker moves to where so many times as many providers are per asker. */
export const ASKER_GAIN_MIN = 2
/** Where nobody asks, the first of a crowd is to come within a third of the time between two looks. */
export const ASKER_HASTE = 3
/** A lane is stretched by a twelfth (2 of 24) before the next is opened: counts have crashed members in them for PRESENCE_TTL_MS. */
export const STRETCH_PART = 1 / 12
/** So many parts of a full lane (16 of 24) answer nearly as fast as a full one; one of 8 may take seconds (p95 of `calm` with so many peers). */
export const ENOUGH_LANE_PART = 2 / 3
/** Fewer than so many parts of a full lane are worth merging (8 of 24). */
export const SMALL_LANE_PART = 1 / 3
/** A merged lane has at most so many parts of a full one (20 of 24), so that it does not split again at once. */
export const MERGED_LANE_PART = 5 / 6
