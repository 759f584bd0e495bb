/** How long and how much the benchmarks measure; the unit is the last word of each name. */

/**
 * Compilers and caches have settled after these; a run of fewer rounds is no measurement anyway.
 */
export const WARM_UP_ROUNDS_MAX = 20

/** A second process on this machine hosts its layers within this, also when the machine is busy. */
export const PROCESS_COVERED_MS_MAX = 20_000

/** How often the coverage is looked at until then. */
export const PROCESS_LOOK_INTERVAL_MS = 50

/**
 * Two tabs have loaded, compiled their engines and found each other within this; software adapters
 * are slow.
 */
export const TABS_READY_MS_MAX = 60_000

/** How often the tabs are asked until then: each question crosses two processes. */
export const TABS_LOOK_INTERVAL_MS = 100

/** All processes have started and all volunteers hold their layers within this: sixty on two busy cores take minutes. */
export const LAGGED_COVERED_MS_MAX = 300_000

/** How often they are asked until then. */
export const LAGGED_LOOK_INTERVAL_MS = 200

/** Time to say goodbye before a process is killed. */
export const LAGGED_GOODBYE_MS_MAX = 4_000

/** The providers of the memory benchmark host all layers within this. */
export const MEMORY_COVERED_MS_MAX = 30_000

/** Requests that are open at the same time. */
export const MEMORY_OPEN_REQUESTS = 4

/**
 * Gossip and the provider remember what is done for 30 s; only what stays longer has leaked. A short
 * run leaves little to forget.
 */
export const MEMORY_SETTLE_MS_MAX = 40_000

/** The wait of a short run, which leaves little to forget. */
export const MEMORY_SETTLE_MS_PER_REQUEST = 20

/** What one provider may take of a volunteer's machine with the whole shipped model. */
export const PROVIDER_RSS_MB_MAX = 300

/** After this no further run of a batch size on an engine begins, compiling included. */
export const TAB_BATCH_BUDGET_MS = 8_000

/**
 * After this an engine is given up if not one run is done: ViT-B on a software adapter takes 10 s
 * a run.
 */
export const TAB_FIRST_RUN_MS_MAX = 45_000

/** How long the frames of a page are counted: 300 of them on a display of 60 Hz. */
export const TAB_VIEW_MS = 5_000

/** A frame of a display of 60 Hz. */
export const TAB_FRAME_MS = 1_000 / 60

/** Layers that a tab offers to host in the measurement of its start. */
export const TAB_CAPACITY_LAYERS = 2

/** Steps of one measurement. */
export const TRAIN_STEPS = 2

/** Steps before the first measurement, in which both sides compile and fill their caches. */
export const TRAIN_WARM_UP_STEPS = 2

/** Volunteers of the comparison with the simulator: as many processes as two cores can carry. */
export const REALITY_PEERS = 8
/** Layers that each of them hosts. */
export const REALITY_LAYERS_EACH = 2
/** One way between two homes: half the round trip that scenarios assume. */
export const REALITY_ONE_WAY_MS = 65
/** Requests before the first that counts: everybody has learnt how far the others are. */
export const REALITY_WARM_UP_REQUESTS = 6
/** A busy machine is measured, not failed. */
export const REALITY_DEADLINE_MS = 60_000
/** Between two requests, so that what one of them says is not counted with the next. */
export const REALITY_REST_MS = 300
/** What is said without being asked, presence, is measured for this long: two rounds of it. */
export const REALITY_SILENCE_MS = 6_000
/** They are measured so often, with a pause before each. */
export const REALITY_TURNS = 2
/** The very first requests count nowhere: code that has hardly run yet is slow. */
export const REALITY_FIRST_REQUESTS = 20
/** Simulated runs beside it: virtual time costs nothing. */
export const REALITY_RUNS = 9

/** The crowd: more peers than one lane holds, several in a process. */
export const CROWD_PROCESSES = 12
/** Volunteers in each of them. */
export const CROWD_PEERS_EACH = 5
/** All of them. */
export const CROWD_PEERS = CROWD_PROCESSES * CROWD_PEERS_EACH
/** Layers that each of them hosts. */
export const CROWD_LAYERS_EACH = 2
/** Hosts whom the asker is connected to before anything is measured. */
export const CROWD_MET = 8
/** Processes that are killed, one after the other. */
export const CROWD_KILLS = 2
/** After this the lanes are measured as they are. */
export const CROWD_LANES_MS_MAX = 90_000
/** What is said without being asked is measured for this long: several rounds of presence. */
export const CROWD_SILENCE_MS = 20_000
/** So often a volunteer of a lagged swarm tries to join. */
export const LAGGED_STARTS_MAX = 20

/** Peers of a whole ViT-B are there within this: each fetches 170 MB and compiles fourteen graphs, on a machine that may be busy. */
export const TOGETHER_READY_MS_MAX = 300_000
/** Pictures of each side before the first that counts: layer times are measured, ways and speeds known. */
export const TOGETHER_WARM_UPS = 2
/** Pictures that are asked while peers are killed, at least. */
export const TOGETHER_KILL_PICTURES = 6
/** A busy machine is measured, not failed: ViT-B on WASM takes a second where there is a core for it. */
export const TOGETHER_DEADLINE_MS = 300_000
/** Layers of ViT-B that each of four Node peers hosts: two hosts for each of the twelve. */
export const VIT_B_LAYERS_PER_PEER = 6
/** Layers that each of four tabs hosts: a third of the model, and one tab more than is needed. */
export const VIT_B_LAYERS_PER_TAB = 4
/** Peers, or tabs, that share the model. */
export const VIT_B_HOSTS = 4
/** What a Node peer may take beside its weights: Node with a peer in it takes 100 MB, ONNX Runtime 30. */
export const VIT_B_PEER_MB_MAX = 150
/** And it may take so many times its weights: stored, packed for the processor, and one in passing. */
export const VIT_B_WEIGHTS_FACTOR_MAX = 3
/** What the renderer process of a tab with four layers may take; they are 113 MB. */
export const VIT_B_TAB_MB_MAX = 400
/** Everybody has fetched, loaded and run its layers within this, also on two busy cores. */
export const VIT_B_READY_MS_MAX = 300_000
/** How often that is looked at. */
export const VIT_B_LOOK_INTERVAL_MS = 500
/** Memory is read so long after the last answer: what is garbage by then stays for good on an idle machine. */
export const VIT_B_REST_MS = 3_000
/** A busy machine is measured, not failed. */
export const VIT_B_DEADLINE_MS = 120_000
/** A tab that is opened has its page within this, also on two busy cores. */
export const QUIET_TAB_READY_MS_MAX = 120_000
/** How often that is looked at. */
export const QUIET_TAB_LOOK_INTERVAL_MS = 100
