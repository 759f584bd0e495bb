/** Bounds on what the page fetches, remembers and follows; the unit is the last word of each name. */

/** What a server says of itself: some addresses and releases, each of them a line. */
export const BOOTSTRAP_BYTES_MAX = 256 * 1024

/** One file of sample images: it is read whole into memory. */
export const SAMPLES_BYTES_MAX = 64 * 1024 * 1024

/** How long to wait before asking a server again that does not answer. */
export const SERVER_RETRY_MS = 5_000

/** Time until an answer or an error: a person looks at the page meanwhile. */
export const ANSWER_MS_MAX = 20_000

/** How often the page looks at the peer when no event made it look before. */
export const PEER_LOOK_INTERVAL_MS = 500

/** A busy swarm has hundreds of events a second; nobody reads faster than this. */
export const PEER_LOOK_INTERVAL_MS_MIN = 100

/** Own requests remembered, so that their lights start here: an ensemble has at most 16. */
export const OWN_REQUESTS_MAX = 64

/** Layers that a link may ask this tab to host: as many as a manifest may have. */
export const LAYERS_MAX = 64

/** Up to this many classes every class keeps its own row, so that bars grow and shrink in place. */
export const FIXED_ROWS_MAX = 12

/** With more classes only the likeliest are shown; the shares of the others are small. */
export const TOP_ROWS = 8

/** Requests that this tab helped with, remembered one by one; older ones are only counted. */
export const HELPED_REQUESTS_MAX = 512

/** Requests drawn at once; beyond them the oldest of others is let go. */
export const FLIGHTS_MAX = 64

/**
 * Ways that lights have gone, drawn at once; beyond them the oldest is let go, which has faded
 * most.
 */
export const TRAILS_MAX = 400

/** A round in the picture: out, at work, and back. */
export const ROUND_LEGS = 3

/** A trail fades within this; that of the latest own request stays. */
export const TRAIL_MS = 900

/** A request that does not move for so long is not drawn on. */
export const FLIGHT_FORGET_MS = 6_000

/**
 * Curves bend by this part of their length, so that ways across the circle do not hide this tab.
 */
export const TRAIL_BEND_SHARE = 0.22

/** A warm red, so that layer 0 is easy to name. */
export const FIRST_HUE_DEGREES = 25

/** More peers than this stand on two circles, so that their discs can be larger. */
export const ONE_CIRCLE_PEERS_MAX = 24

/** How far the two lie from where the one would, in radii of that. */
export const TWO_CIRCLES_DEPTH_RADII = 0.16

/** Of one line of an error; what lists every scenario of the lab fits. */
export const ERROR_CHARS_SHOWN = 600

/** Peer ids of Ed25519 keys share their first eight characters; the last six tell them apart. */
export const PEER_CHARS_SHOWN = 6

/** Characters of the address to invite others to. */
export const INVITE_CHARS_MAX = 2_048

/** Less of the time since the click than this is not worth a word. */
export const TIME_PART_SHARE_MIN = 0.05

/** What a server says of the peers of a swarm: 64 of them, a day of history. */
export const SWARM_VIEW_BYTES_MAX = 256 * 1024

/** Peers taken from that: as many as a server names. */
export const SWARM_PEERS_MAX = 64

/** How often a tab that has not joined looks at the swarm. */
export const SWARM_WATCH_MS = 3_000

/** A tab that has just joined knows nobody yet: its server's word counts for so long. */
export const SWARM_SEEN_MS = 5_000

/** Classes named where it is said what the model knows. */
export const CLASS_NAMES_SHOWN = 12

/** Days that a device is said to have helped on. */
export const RECORD_DAYS_MAX = 100_000

/** How often what was given is added to what is kept on the device: a tab that dies loses so much. */
export const RECORD_INTERVAL_MS = 5_000

/** Who chose to rest while nobody looks rests after this. */
export const HIDDEN_PAUSE_MS = 30 * 60_000

/** How often a tab looks whether it is to rest. */
export const RULES_INTERVAL_MS = 5_000

/** How often a tab in the swarm tells the others of this browser. */
export const TAB_TELL_MS = 2_000

/** A tab that was not heard for so long is gone; browsers slow the timers of hidden ones to one a minute. */
export const TAB_FORGET_MS = 90_000

/** A square of a picture that a person chooses is at least so wide: less is a colour and no picture. */
export const CROP_SIDE_PIXELS_MIN = 8

/** A ground is light from here on, of 255 in each colour: below, a model's own pictures are not like it either way. */
export const GROUND_BRIGHTNESS_MIN = 128

/** A plain ground's colours differ by this, of 255, as a standard deviation: paper and walls in even light do not. */
export const GROUND_SPREAD_MAX = 14

/** What differs less than this from a ground is of it: the noise of a camera and of JPEG. */
export const GROUND_REACH_MIN = 20

/** Less ground than this share of a picture is no ground. */
export const GROUND_SHARE_MIN = 0.1

/** With more ground than this share nothing stands on it. */
export const GROUND_SHARE_MAX = 0.98

/** Providers of a simulation in a tab: eleven policies with 200 of them take a minute. */
export const SIMULATED_PEERS_MAX = 200

/** Requests of a simulation in a tab. */
export const SIMULATED_REQUESTS_MAX = 1_000

/** Seeds are whole numbers of 32 bits. */
export const SIMULATION_SEED_MAX = 0xffff_ffff

/** The largest value of a colour, and of opacity, in a byte of RGBA. */
export const COLOUR_MAX = 255
