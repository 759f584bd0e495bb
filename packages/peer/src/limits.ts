/** Bounds of what this peer alone decides; what a whole lane counts on stands in packages/swarm. The unit is the last word of each name. */
import {
  ADDRESSES_MAX,
  BAN_MS,
  BOOTSTRAP_NODES_MAX,
  CONNECTIONS_MAX,
  PEERS_MAX,
  TENSOR_TIMEOUT_MS,
} from '@layerswarm/swarm'

/** Beyond the direct ones: circuits that carry WebRTC signalling, the bootstrap node, peers that dialled us. */
export const CONNECTIONS_OPEN_MAX = 4 * CONNECTIONS_MAX
/** New connections per second from one host: all relayed ones come from the relay's. */
export const INBOUND_PER_HOST_PER_SECOND_MAX = 1_000
/**
 * Of these one address, or one network of IPv6, may dial so many: half. A household or a class room in one lane
 * is 24 at most; whoever makes up identities on one machine leaves room for as many others.
 */
export const INBOUND_PER_NETWORK_MAX = CONNECTIONS_OPEN_MAX / 2
/** And all those numbered side by side (a /24 of IPv4, a /48 of IPv6) three quarters: a provider's customers, or one customer of a host. */
export const INBOUND_PER_REGION_MAX = (3 / 4) * CONNECTIONS_OPEN_MAX
/**
 * Sockets in their handshake: four times a full set of direct ones arrives at once when a relay is back. One
 * more, and the oldest of the address that has the most of them gives way.
 */
export const INBOUND_PENDING_MAX = 100
/**
 * And with them all that libp2p counts: circuits too, and for a moment those that have just given way. Were it
 * the smaller number, libp2p would turn the newcomer away instead.
 */
export const INBOUND_PENDING_TOTAL_MAX = 4 * INBOUND_PENDING_MAX
/** RTCPeerConnections that Chrome lets one page make in its life, closed ones included: about 500. */
export const PEER_CONNECTIONS_MAX = 500
/** From here on a tab dials nobody, so that those who dial it still get through, and asks to be reloaded. */
export const PEER_CONNECTIONS_RELOAD = 450
/** Half of these are the page's own: strangers, who pay nothing for an identity, have no more made for them in its life. */
export const STRANGERS_SIGNALS_MAX = PEER_CONNECTIONS_RELOAD / 2
/** Connections by WebRTC that others ask for at once, each a stream of signalling: a full lane is about a hundred, and some try twice. */
export const SIGNALS_BURST = 128
/** And after that: of a full lane whose members stay for a minute, the half that dials this peer are 0.8 a second. */
export const SIGNALS_PER_SECOND = 1
/** Of one peer: what fails at once is tried four times within 8 s, a page is reloaded twice. */
export const SIGNALS_PER_PEER_BURST = 4
/** And after that twice as often as whoever has tried for long, every 20 s (`DIAL_RETRY_MS_MAX`). */
export const SIGNALS_PER_PEER_PER_SECOND = 1 / 10
/** Streams of signalling on one connection: one, and a second that takes its place while the first is being given up. */
export const SIGNALING_STREAMS_MAX = 2
/** Twelve tabs that dialled each other at once on two cores ran into every timeout; two at a time did not. */
export const DIALS_AT_ONCE_MAX = 2
/** A WebRTC dial took up to 5 s while eight tabs joined at once on two cores. */
export const DIAL_TIMEOUT_MS = 15_000
/** One that takes longer will hardly be a connection soon: it takes no room from others. */
export const DIAL_SLOW_MS = 5_000
/**
 * And no more of them in all: of 30 Node peers and 8 tabs on two cores, whose server had been away, all had met again
 * after 10 s; after 28 s with twice as many, and four sockets at once of sixteen.
 */
export const WEBRTC_DIALS_MAX = 2
/** A socket costs a tenth of that, and so does whoever cannot answer it because all dial at once. */
export const SOCKET_DIALS_AT_ONCE_MAX = 2
/** A dial of a socket that has not failed within this has nobody to refuse it, or a long way: it goes on beside the next. */
export const DIAL_PROMPT_MS = 1_000
/** And so many in all. */
export const SOCKET_DIALS_MAX = 2 * SOCKET_DIALS_AT_ONCE_MAX
/** What a thread that was held up counts of these two times at most: the slowness is its own. */
export const DIAL_STEP_MS = 250
/**
 * Dials in libp2p, where none is to wait: of the two kinds (meeting/dials.ts) all that may be under way, each of
 * WebRTC with one to the relay of its circuit, and one of each relay keeper.
 */
export const DIALS_UNDER_WAY_MAX =
  2 * (SOCKET_DIALS_MAX + 2 * WEBRTC_DIALS_MAX) + BOOTSTRAP_NODES_MAX
/** How long it is remembered where nobody answered: longer than a tab stays shut for a reload, or a machine for a restart. */
export const PLACE_KEPT_MS = 5 * 60_000
/** A port and a host for each peer that may be known. */
export const PLACES_MAX = 2 * PEERS_MAX
/**
 * A socket of a peer that WebRTC leads to as well, and the first attempt at any other: it opens within three round
 * trips, and addresses of other people's networks swallow what is sent to them.
 */
export const PLAIN_DIAL_TIMEOUT_MS = 4_000
/** Wait before the second attempt; doubled each time, with jitter, up to the maximum. */
export const DIAL_RETRY_MS = 500
/** The longest wait between two attempts. */
export const DIAL_RETRY_MS_MAX = 20_000
/** Attempts on one set of addresses; after these only an announcement of other addresses helps, to one more. */
export const DIAL_ATTEMPTS_MAX = 8
/** The larger peer id waits this long for the smaller one to dial before it tries by itself. */
export const RELUCTANT_DIAL_AFTER_MS = 7_000
/**
 * Whoever this peer was told of, new to a lane, and has not heard yet is waited for so long: those who were there
 * greet a newcomer within a second, on a busy machine within two.
 */
export const UNHEARD_WAIT_MS = 1_000
/** How often due dials and lapsed peers are looked for. */
export const INTRODUCTIONS_TICK_MS = 400
/** And with each announcement while so few are known; to look through PEERS_MAX, whoever made them up, takes milliseconds. */
export const ANNOUNCERS_PROMPT_MAX = 4 * CONNECTIONS_MAX
/** A peer that must prove that it lives answers a ping within this, or counts as gone for now. */
export const ALIVE_PING_TIMEOUT_MS = 2_500
/** A page whose main thread is busy answers within this; one that does not is hung up on. */
export const DEAD_PING_TIMEOUT_MS = 12_000
/** What a thread that was held up counts of these two at most; a hidden page's timers come once a second. */
export const PING_STEP_MS = 1_000
/** A peer that does not answer is dialled anew at most this often: where all are busy, each connection makes them busier. */
export const REDIAL_INTERVAL_MS = 30_000
/** Connections that two peers opened to each other within this time were dialled unawares. */
export const CROSS_DIAL_MS = 3_000
/**
 * A connection to a peer of a lane that one of the two has left is closed after this, and before it when room is
 * needed: requests in flight are over. So is that of a stranger, whose presence should have come within seconds.
 */
export const LEFT_LANE_KEPT_MS = 60_000
/** A peer whose presence is older than its time to live by this much loses its connection. */
export const LAPSED_GRACE_MS = 10_000

/** Pings keep the address mappings of routers open; they decide nothing, see libp2p-config.ts. */
export const PING_INTERVAL_MS = 5_000
/** One is given up after this. */
export const PING_TIMEOUT_MS = 5_000
/**
 * The time that libp2p averages the answers of pings over, to adapt that: so long that it never does. Its
 * average of wall clock times is infinite from the moment that the clock is set back.
 */
export const PING_AVERAGE_MS = Number.MAX_SAFE_INTEGER

/** First wait of the relay keeper after it lost the bootstrap node, doubled up to the maximum. */
export const RELAY_RETRY_MS = 250
/** The longest wait between two attempts at a bootstrap node: peers without one cannot meet. */
export const RELAY_RETRY_MS_MAX = 2_500
/** A bootstrap node that is dialled answers within this, or the next address is tried. */
export const RELAY_DIAL_TIMEOUT_MS = 8_000
/**
 * That is doubled after each dial that took all of it, up to what a server gives a handshake (packages/signaling,
 * limits.ts): one that all peers dial at once after a restart has done the work of those for nothing that give up.
 */
export const RELAY_DIAL_TIMEOUT_MS_MAX = 20_000
/** A reservation took 30 to 130 ms; without one in this time the connection is replaced. */
export const RESERVATION_TIMEOUT_MS = 6_000
/** What a thread that was held up counts of these times at most. Where the processor is short, a turn takes seconds. */
export const RELAY_PATIENCE_STEP_MS = 250
/** What two peers speak is asked once for each connection, and without an answer neither gossips; by default for 5 s. */
export const IDENTIFY_TIMEOUT_MS = 15_000
/**
 * A reservation is asked for again after this, by a clock that is never set: well before the 10 minutes for
 * which a server grants one (packages/signaling, limits.ts).
 */
export const RESERVATION_RENEW_MS = 4 * 60_000
/** The answer to that has a signed voucher of about 200 bytes, and the relay's addresses. */
export const RELAY_ANSWER_BYTES_MAX = 4 * 1024
/** A peer that is reached without a reservation as well joins after this, and has one when it comes. */
export const RESERVATION_PATIENCE_MS = 1_000
/** The keeper pings the bootstrap node this often and gives up after two misses in a row. */
export const RELAY_PING_INTERVAL_MS = 5_000
/** A bootstrap node answers a ping within this, or that ping counts as missed. */
export const RELAY_PING_TIMEOUT_MS = 5_000
/** After this many failed dials in a row the addresses are read from bootstrap.json again. */
export const RELAY_DIALS_PER_BOOTSTRAP = 3

/** The end of a multiaddr, /p2p/ with the base58 of an Ed25519 or RSA key's hash. */
export const PEER_ID_CHARS_MAX = 5 + 64

/** Addresses that a peer's owner may name: the others of `ADDRESSES_MAX` are circuits of two bootstrap nodes. */
export const ANNOUNCED_MAX = ADDRESSES_MAX - 2
/** Ports of other services (RFC 6335, 6): no peer takes one, and none is dialled because a stranger says so. */
export const WELL_KNOWN_PORT_MAX = 1_023
/** But those on which a proxy may pass WebSockets on. */
export const WEB_PORTS: readonly number[] = [80, 443]
/** Port numbers have 16 bits. */
export const PORT_MAX = 2 ** 16 - 1
/** A server that has not answered by then has company: another one of the swarm is asked beside it. */
export const SERVER_HEDGE_MS = 1_000
/** A source of a layer file is alone for this long, and for what the file takes over a slow link: then the next one is asked beside it. */
export const SOURCE_ALONE_MS = 2_000
/** The uplink of a mobile peer, 11 Mbit/s. */
export const SLOW_SOURCE_BYTES_PER_MS = 1_375
/** A server that serves another swarm is asked again after this: it may be about to get the release. */
export const SERVER_REFUSED_RETRY_MS = 60_000

/** First wait before a page that could not join tries again by itself; it doubles: a server that is restarted is away for seconds. */
export const JOIN_RETRY_MS = 1_000
/** And the longest: a page that nobody looks at asks twice a minute. */
export const JOIN_RETRY_MS_MAX = 30_000
/** After so many attempts, about three minutes, a person decides. */
export const JOIN_RETRIES_MAX = 10

/** bootstrap.json: 16 addresses, 64 releases of 200 bytes and a thousand lanes of 55 bytes are 75 KB. */
export const BOOTSTRAP_BYTES_MAX = 128 * 1024
/** Addresses that are taken from a bootstrap.json. */
export const BOOTSTRAP_ADDRESSES_MAX = 16
/** Releases that are taken from a bootstrap.json. */
export const BOOTSTRAP_RELEASES_MAX = 64
/** bootstrap.json and the manifest are a few kB: slower than this is as good as unreachable. */
export const FETCH_TIMEOUT_MS = 15_000

/** Offered tensors that wait to be pulled: 200 activations of ViT-B in float16. */
export const TENSORS_HELD_BYTES_MAX = 64 * 1024 * 1024
/** Questions for tensors that one peer answers another. */
export const TENSOR_REQUESTS_PER_SECOND = 500
/**
 * Bytes of tensors that one peer pushes here in a second, and as many that it is given: what gigabit Ethernet
 * carries. A core that runs ViT-B takes in 19 MB of them a second, 302 kB for each 16 ms.
 */
export const TENSOR_BYTES_PER_SECOND = 128 * 1024 * 1024
/** Pulls from one peer at once; further ones wait for a stream. */
export const TENSOR_STREAMS_PER_PEER_MAX = 8

/** SHA-256 of a pushed tensor, and its size in bytes, little-endian. */
export const PUSH_HEADER_BYTES = 32 + 4
/** Pushes to one peer that wait for a stream; what is pushed beyond them is not sent, and is asked for later. */
export const PUSHES_WAITING_PER_PEER_MAX = 32
/** A pushed tensor that nobody has pulled after this is of no use: its request is two time-outs of a tensor further. */
export const PUSHED_TENSOR_TTL_MS = 5 * TENSOR_TIMEOUT_MS
/** Of a smaller tensor most of the time is the way of its first byte and the turn of the event loop. */
export const MEASURED_TENSOR_BYTES_MIN = 4 * 1024
/** Under a millisecond a turn of the event loop weighs as much as the transfer. */
export const MEASURED_TRANSFER_MS_MIN = 1
/** Transfers of which the fastest says how fast the access is: a change of the network is believed after so many. */
export const ACCESS_SAMPLES_MAX = 16

/** Messages told to one peer that wait for its stream: a second of a busy lane's. The oldest make room. */
export const TELLS_WAITING_PER_PEER_MAX = 256
/** Told messages that are written at once: what a receiver must have room for beside what it has not read. */
export const TELL_BATCH_BYTES_MAX = 64 * 1024
/** Told bytes that wait to be read; one who sends more than the flow control of a stream lets through loses it. */
export const TELL_UNREAD_BYTES_MAX = 1024 * 1024
/** One stream, and a second that takes its place while the first is being given up. */
export const TELL_STREAMS_PER_PEER_MAX = 2
/** A message that cannot be written within this comes too late for its request. */
export const TELL_TIMEOUT_MS = 5_000

/** Round trips measured at once when many connections open together: more would measure one another. */
export const RTT_MEASURED_AT_ONCE_MAX = 4
/** Small messages there and back on a new connection; the fastest is the least disturbed by what else goes on then. */
export const RTT_FIRST_PINGS = 3
/** Attempts at these: a peer answers only so many pings at once. */
export const RTT_ATTEMPTS_MAX = 4
/** Wait between two attempts. */
export const RTT_RETRY_MS = 300
/** Of one ping, by libp2p's specification of it. */
export const PING_BYTES = 32
/** Share of a new measurement in the smoothed round trip (RFC 6298, section 2). */
export const RTT_WEIGHT = 1 / 8
/** Pings of one peer that are answered, or under way, at once: the monitor's, an introduction's and a measurement's, at both ends. */
export const PING_STREAMS_MAX = 6

/** Bytes of one answer about a layer file; the asker's next question is the flow control. */
export const LAYER_CHUNK_BYTES = 1024 * 1024
/**
 * A chunk of a layer file takes 0.8 s at the 11 Mbit/s of a mobile uplink, and waits for others.
 */
export const LAYER_TIMEOUT_MS = 15_000
/** Questions for chunks that one peer answers another: 200 MiB a second. */
export const LAYER_REQUESTS_PER_SECOND = 200
/** Bytes of layer files that one peer is given in a second: as many as it may ask for. */
export const LAYER_BYTES_PER_SECOND = LAYER_REQUESTS_PER_SECOND * LAYER_CHUNK_BYTES
/** Chunks asked of one peer at once, and one more for the next file. */
export const LAYER_STREAMS_PER_PEER_MAX = 4
/** Chunks asked of one peer at once, to fill the round trip. */
export const LAYER_CHUNKS_AHEAD = 3
/** Peers asked for one layer file before another source is tried. */
export const LAYER_PEERS_ASKED_MAX = 3
/** Peers remembered that gave no right file when they were asked last. */
export const LAYER_PEERS_DOUBTED_MAX = 256
/** Layer files remembered as checked: of 64 layers in three types, and the rest of a release. Each is a few bytes. */
export const LAYER_FILES_OPEN_MAX = 256
/** And for how long after the last question: who asks for all of them in turns has each read whole once. */
export const LAYER_FILE_OPEN_MS = 5 * 60_000

/** Node hashes so much on its main thread, in 0.7 ms: a few activations of ViT-B. A layer file would hold everything up. */
export const HASHED_AT_ONCE_BYTES_MAX = 1024 * 1024
/** A data channel that the other side opened is that side's to close, within this: round trips of a slow way, and a reset that is sent again. */
export const CHANNEL_CLOSE_PATIENCE_MS = 5_000
/** Data channels that wait for that, of all connections. */
export const CHANNELS_LINGERING_MAX = 1_024
/** How long stop() waits for each connection and for libp2p to close. */
export const CLOSE_TIMEOUT_MS = 2_000
/** What libp2p gives each connection when a node stops; of two that stop at once, neither answers. */
export const WEBRTC_CLOSE_TIMEOUT_MS = 500
/** Presence published before gossip has met the bootstrap node is lost; it meets within a few ms. */
export const PRESENCE_READY_TIMEOUT_MS = 3_000
/** So often it is looked whether a server with a list hangs up on a peer that it has not met. */
export const SHUT_OUT_LOOK_MS = 20
/** And for so long: a peer that is not on the list is hung up on at every attempt. */
export const SHUT_OUT_MS_MAX = 1_000
/** A newcomer's first request waits this long for its first neighbour; a dial takes 30 to 400 ms. */
export const LANE_MEET_TIMEOUT_MS = 3_000
/** Where its server knows of nobody in the lane: time for one who joins at the same moment to be dialled. */
export const LANE_MEET_ALONE_TIMEOUT_MS = 500
/** And no longer than so much of its time: what it asks then is heard by whoever comes later, after a stall. */
export const LANE_MEET_SHARE = 1 / 2
/** A message that reached none of the known listeners is published again: their streams open within a few ms. */
export const PUBLISH_ATTEMPTS_MAX = 12
/** Wait between two of these attempts. */
export const PUBLISH_RETRY_MS = 25
/**
 * How long gossip remembers the score of a peer that has left; by default an hour, at 0.5 kB for each of all
 * who ever came. Whoever misbehaves is banned for as long.
 */
export const GOSSIP_SCORE_KEPT_MS = BAN_MS
/** How often it is looked whether somebody has set the clock, which gossip dates its memory by. */
export const CLOCK_LOOK_MS = 10_000
/** A clock that has gained or lost so much between two looks was set; one that is being adjusted moves by 5 ms. */
export const CLOCK_JUMP_MS_MIN = 2_000
/** What libp2p knows of peers that have left is thrown away after one to two of these. */
export const DEPARTED_SWEEP_INTERVAL_MS = 10_000
/** One gossip RPC: half a second of a busy lane that was lost and is asked for again; by default 4 MiB. */
export const GOSSIP_RPC_BYTES_MAX = 1024 * 1024
/** Bytes of gossip that wait for one neighbour to read them: more, and its stream is ended and begun anew. By default there is no end to them. */
export const GOSSIP_UNSENT_BYTES_MAX = 1024 * 1024
/** How long gossip remembers a message's number; messages are offered again for 6 s. */
export const GOSSIP_SEEN_MS = 30_000
/** Longest time that setTimeout accepts; a longer one would fire at once. */
export const TIMEOUT_MS_MAX = 2 ** 31 - 1

/** Sequences of one session may overtake each other on the way by this much. */
export const SEQUENCE_SLACK_MAX = 4
/** Times that a download which came forward is taken up again before it counts as failed. */
export const DOWNLOAD_RESUMES_MAX = 4
/** Wait before that: a connection that broke is seldom back at once. */
export const DOWNLOAD_RESUME_AFTER_MS = 250
/** What a crash of the tab may cost at most: a piece of a ViT-B layer of 28 MB. */
export const DOWNLOAD_CHECKPOINT_BYTES = 8 << 20
/** What is read of a download at once. */
export const DOWNLOAD_PIECE_BYTES = 256 << 10
/** How often a peer is asked whether it hosts a layer already. */
export const SETTLE_STEP_MS = 50
/** SHA-256 of the file, and the number of the chunk, little-endian. */
export const LAYER_REQUEST_BYTES = 32 + 4
/** Of the varint before a frame: 2^35 bytes and more are no frame. */
export const FRAME_LENGTH_BYTES_MAX = 5
/** Room for the frame lengths around a message. */
export const FRAMING_BYTES = 64
/** A look at the clock; hidden pages are let run at least once a minute. */
export const LIFE_LOOK_MS = 5_000

/** How often `<layer-swarm>` looks at its peer: no event says that a connection stands. */
export const ELEMENT_LOOK_MS = 1_000
/** Of an attribute that cannot be read: enough to find it in a page, and no wall of text in a line. */
export const ATTRIBUTE_SHOWN_CHARS_MAX = 40
/**
 * A gap between two looks that no browser makes by throttling, which allows one look a minute at the
 * least: the machine slept.
 */
export const LIFE_SLEEP_MS = 90_000
/** A layer file of 300 MB is written within seconds; what is unfinished after this was left by a process that died. */
export const CACHE_DRAFT_MS_MAX = 60 * 60_000
/** How many peers may keep keys in one place: processes with one data directory, tabs of one origin. */
export const IDENTITY_SLOTS_MAX = 64
/** How often a peer looks whether a newer release is offered: a few hundred bytes each time. */
export const RELEASE_POLL_MS = 30_000
/** A layer of ViT-B has 28 MB; one that cannot be fetched within this is given up for now. */
export const RELEASE_SETTLE_MS_MAX = 2 * 60_000
/** And tried again after this long. */
export const RELEASE_RETRY_MS = 10 * 60_000
/** An old release is kept for so much longer than a request lives after the last work for it. */
export const RELEASE_QUIET_EXTRA_MS = 5_000
/** Accuracy that a peer gives up for smaller files of its layers unless it is told to: 0.3 points. */
export const LAYER_FILES_LOSS_SHARE_MAX = 0.003
/** A peer that has to load its layers for longer than this takes smaller files: most visitors are gone within a minute. */
export const LAYERS_DOWNLOAD_MS_MAX = 10_000
/** Part of the memory that hosted layers may take as they are stored: the engine takes as much again while it loads them. */
export const LAYERS_MEMORY_SHARE_MAX = 0.25
/** One megabit per second, as browsers give the speed of a connection. */
export const MEGABIT_PER_SECOND_BYTES_PER_MS = 125
/** One of what browsers give the memory of a device in. */
export const DEVICE_MEMORY_UNIT_BYTES = 1 << 30

/** Manifests that a newcomer reads to find in whose lanes its release is: as many as one may name, and as many again of theirs. */
export const LINEAGE_FETCHES_MAX = 16
