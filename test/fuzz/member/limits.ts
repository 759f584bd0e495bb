/** Hostile peers of a world: as many keys as somebody makes for an afternoon. */
export const HOSTILE_PEERS = 6
/** Most actions of one run; what takes more is found by a run that begins elsewhere. */
export const ACTIONS_MAX = 60
/** Messages that were overheard and may be said again or changed; the oldest make room. */
export const OVERHEARD_MAX = 96
/** Between two actions, milliseconds at most: longer than any wait of the protocol but bans and deadlines. */
export const WAIT_MS_MAX = 9_000
/** Everybody has heard everybody. */
export const MEETING_MS = 6_000
/** An answer or an error comes no later than this after its deadline. */
export const OVERSHOOT_MS_MAX = 100
/** After the last action claims end and layers are loaded; requests of hostile peers may go on for minutes. */
export const QUIET_MS = 60_000
/** The deadline of what is asked at the end. */
export const LAST_DEADLINE_MS = 30_000
/** Entries of any one table, list or set of a member: the largest bound of packages/swarm, FINISHED_REMEMBERED_MAX, and one. */
export const TABLE_ENTRIES_MAX = 4_097
/** Entries of all tables of a member after a run and its quiet end: what it knows of a dozen peers. */
export const ENTRIES_LEFT_MAX = 3_000
/** Runs of the unit tests. */
export const RUNS_SHORT = 100
/** Attempts at making the actions of a failing run fewer. */
export const FEWER_ATTEMPTS_MAX = 400
