/** Bounds of the lab in the page, unit last: slow enough to be watched, small enough for a tab. */

/** Providers of the simulated swarm: as many as a picture can show apart. */
export const PEERS_COUNT = 8
/** Every visitor meets the same swarm. */
export const SWARM_SEED = 7
/** While "keep sending" is on, the next image follows this long after both answers are there. */
export const SEND_PAUSE_MS = 700

/** Others have let go of a layer by then, and said so. */
export const RESERVE_SETTLE_MS = 2_000
/** A peer that was just restarted has its layers after a second of the swarm's own time: so long it is waited for, */
export const RESERVE_WAIT_MS_MAX = 5_000
/** and it is looked at this often. */
export const RESERVE_LOOK_MS = 250

/** One way of a message; slow enough to see the light move. */
export const LATENCY_MS = 60
/** Hosts of each layer when the swarm has settled: one may be killed and another be slow. */
export const REPLICAS_COUNT = 3
/** Virtual time in which the peers of a new swarm find each other and settle. */
export const SETTLE_MS = 8_000
/** The longest step of virtual time: a tab that was hidden does not run all of it at once. */
export const STEP_MS_MAX = 100
/** Virtual time until an answer is worth nothing: three slow peers in a row and their second offers. */
export const LAB_DEADLINE_MS = 25_000

/** One layer on a simulated peer: long enough to be watched and disturbed. */
export const LAYER_MS = 320
/** How many times longer a slow peer takes. */
export const SLOWNESS_FACTOR = 8
/** Fetching a layer in the simulated swarm. */
export const LAYER_LOAD_MS = 30
/** The chain gives a hop up when it takes much longer than the slowest honest peer. */
export const CHAIN_HOP_MS_MAX = 2 * LAYER_MS * SLOWNESS_FACTOR

/**
 * The slow, obvious engine computes the lab: about 10 million multiplications take 30 ms. A model
 * of more than this per layer would stand still.
 */
export const LAYER_PRODUCTS_MAX = 40e6

/** The lab's engine has stopped when it owes answers and gives none for so long, */
export const ENGINE_SILENT_MS_MAX = 60_000
/** which is looked at this often. */
export const ENGINE_TICK_MS = 1_000

/** How often a simulation says how far it is. */
export const PROGRESS_INTERVAL_MS = 200
