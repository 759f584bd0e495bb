/** Every bound of the lab that is not production's own, with its unit last and the reason. */

/** A goodbye in `pagehide` reaches a neighbour within 2 to 18 ms and its latency [measured]. */
export const GOODBYE_MS = 10
/** A frozen tab is discarded by its browser after about this long. */
export const DISCARD_MS = 60_000
/** What a frozen tab's sockets hold for it: about the receive buffers of its connections. */
export const UNREAD_MAX = 2_000
/** To ask for a layer file, hash it and build a session: SHA-256 and ONNX of a small layer [measured]. */
export const LAYER_LOAD_MS = 60

/** So many newcomers of one moment begin in the same lane; in a larger one each looks at some members that it draws, not at all. */
export const MEET_ALL_MAX = 256
/** Members drawn at most for each connection that it may make: one in five cannot be reached. */
export const MEET_DRAWS_PER_CONNECTION = 16
/** Slots of a lane up to which a message has a place for each. */
export const ARRIVALS_DENSE_MAX = 512

/** The swarm is counted this often: a second shows every wave of a run that takes minutes. */
export const SAMPLE_MS = 1_000
/** A question how full the lanes are: an HTTP request with its headers, and what TCP and TLS add. */
export const LANES_ASK_BYTES = 500
/** What a bootstrap node says of the lanes is at most this old: presence takes so long to get there. */
export const CENSUS_AGE_MS = 100
/** A run is looked at this often, to see whether it is over. */
export const RUN_STEP_MS = 10_000
/** A run in which nothing ends for this long after its last deadline is over. */
export const STUCK_MS = 60_000
/** A provider that stays this long is worth bringing in: a few times what it takes to connect and load a layer. */
export const BUSY_STAY_MS = 10_000
/** Beyond this many peers the world is not kept running only to see everything released. */
export const DRAINED_PEERS_MAX = 400
/**
 * How long after the last deadline, and after it has read what came, a follower may still hold on: a flood waits in the
 * slowest downlinks for 80 s and in the slowest readers for minutes, and what is heard then of somebody who has gone is
 * followed for UNPAID_MS.
 */
export const DRAIN_MS_MAX = 180_000
/** And how often they are asked. */
export const DRAIN_STEP_MS = 3_000
/** Peers whose holdings are looked at every few seconds: all of a small world, a sample of a large one. */
export const HOLDINGS_CHECKED_MAX = 16

/** Gossip messages of one request: 64 hops with a repetition and two claims for each stay far below. */
export const MESSAGES_PER_REQUEST_MAX = 1_000
/** Violations that a report keeps: the first ones tell the story. */
export const VIOLATIONS_MAX = 20
/** An answer may be this late: the requester's own timer, and rounding. */
export const LATE_MS = 5
/** Requests of which every message is kept, so that one of them can be replayed. */
export const FILMED_MAX = 200

/** Rival policies give a hop up that takes so many times as long as expected. */
export const PATIENCE_FACTOR = 4
/** And no sooner than this: a delay that any network has. */
export const PATIENCE_MS_MIN = 400
/** A hop is never expected to take longer than this. */
export const EXPECTED_MS_MAX = 5_000
/** Each failure doubles a client's patience, at most this often: 16 times as patient. */
export const PATIENCE_DOUBLINGS_MAX = 4
/** When a layer has no server, the client of a chain looks again after this. */
export const LOOK_AGAIN_MS = 500
/** Headers of one hop of a chain: a request id, a route and framing. */
export const CHAIN_HEADER_BYTES = 200
/** The scores of a small model and their framing. */
export const SCORES_BYTES = 500

/** Ticks per second in which a flooder sends: often enough to be a stream to others. */
export const FLOOD_TICKS_PER_SECOND = 20
/** One message of a flood that nobody accepts, bytes. */
export const FLOOD_MESSAGE_BYTES = 200
/** What a sybil says one layer takes, milliseconds: a speed that nobody has. */
export const SYBIL_LAYER_MS = 0.01

/** Throw-away keys of a crowd, */
export const CROWD_KEYS = 17
/** and first steps of each: together more than a provider has room for. */
export const CROWD_STEPS_PER_KEY = 32
/** They are the names of peers with these indices and higher, which nobody in a world has. */
export const CROWD_NAMES_FROM = 0xf000
/** What an attacker announces that wants to be chosen like an ordinary tab: one layer, milliseconds. */
export const HONEST_LAYER_MS = 0.9
/** Hosts that an attacker makes up: more than a member remembers. */
export const NOBODIES = 1_100
/** A first step is said again this long after it was said, */
export const REPLAY_AFTER_MS = 30_000
/** so many times. */
export const REPLAYS_EACH = 4
/** Claims of one peer that nothing is wrong with: what a flooded swarm of real peers was tried with. */
export const VALID_CLAIMS_PER_SECOND = 1_500
/** And first steps beside them. */
export const VALID_STEPS_PER_SECOND = 66
/** Requests in the name of each who asks: more than one requester may have under way. */
export const HOG_STEPS = 40
/** An attacker's access, bytes per millisecond: a gigabit both ways, so that nothing but the rules slows it. */
export const ATTACKER_BYTES_PER_MS = 125_000
/** An attacker is looked at this often, to see whether anybody still holds a connection to it. */
export const HUNG_UP_LOOK_MS = 100

/** One in so many runs of a `one-in-ten` liar is a lie. */
export const LIE_INTERVAL_RUNS = 10
/** The unit of sessions and rates in published measurements. */
export const MINUTE_MS = 60_000
/** One megabit per second in the lab's unit: bytes per millisecond. */
export const BYTES_PER_MS_PER_MBPS = 125

/** A film is played in about this long, however short it was. */
export const FILM_PLAY_MS = 7_000

/** Models up to so many layers have their shortest tour sought exactly: 2^14 rows of a hundred peers fit in memory. */
export const ORACLE_EXACT_LAYERS_MAX = 14
/** Tours kept at each stop of a search that is not exact, and of the one that bounds an exact one. */
export const ORACLE_BEAM = 64

/** Requests of plain gossip in a comparison: a crowd of it takes minutes of computing, and so many show its collapse. */
export const GOSSIP_REQUESTS_MAX = 60
/** Requests of `vitb-home` in a comparison: one a second, of which so many are its own number. */
export const VITB_REQUESTS_MAX = 200
/** Requests of `idle` in a comparison: three minutes of hardly any. */
export const IDLE_REQUESTS_MAX = 6

/** A light load is this share of a scenario's own rate of requests: about one at a time. */
export const LOAD_LIGHT_SHARE = 0.2
/** The light load's p95 is the tenth slowest of so many requests. */
export const LOAD_REQUESTS_MIN = 200
/** A load is kept up for so long that what queues shows: some seconds, */
export const LOAD_WINDOW_S_MIN = 10
/** and so many times the light load's p95. */
export const LOAD_WINDOW_LATENCIES = 10
/** The doubling is known well enough within this ratio: p95 of a few hundred requests says no more. */
export const LOAD_BRACKET_MAX = 1.2
/** No heavier load is tried: a minute of it is a hundred thousand requests. */
export const LOAD_PER_MINUTE_MAX = 100_000

/** Layers in one word of a set of layers: what a bitwise operation works on. */
export const WORD_BITS = 32
/** The mark of lies that anybody would tell alike: two of them agree. */
export const LIKE_OTHERS_MARK = 1
/** The mark of another layer's output: two that run the same one instead agree, and their step is as large as any. */
export const OTHER_LAYER_MARK = 255
