/** Every bound of the signaling server, with its unit last and the reason that gave it. */

/** Peers that hold a reservation: a full lane is about a hundred, a host runs a few lanes. */
export const RESERVATIONS_MAX = 1_024
/**
 * A reservation is given back the moment its peer's last connection drops, so this bounds only
 * peers that freeze with their socket open. Peers renew it every 4 minutes (packages/peer, limits.ts).
 */
export const RESERVATION_TTL_MS = 10 * 60_000
/**
 * How much later than that the end is named to its peer, which compares it with a clock of its own: a year, by
 * which any clock may be wrong.
 */
export const RESERVATION_NAMED_MS = 365 * 86_400_000
/**
 * Bytes through one circuit, both directions together. An introduction (two handshakes, identify,
 * SDP and about 20 ICE candidates) took under 20 kB; an activation of ViT-B (302 kB as float16)
 * does not fit, and that is meant: tensors never cross the relay.
 */
export const CIRCUIT_BYTES_MAX = 128 * 1024
/** Life of one circuit: a WebRTC handshake takes up to 5 s on a loaded machine, with a retry or two. */
export const CIRCUIT_MS_MAX = 2 * 60_000
/** Circuits that one peer may open at once: it meets a full lane when it joins. */
export const CIRCUITS_BURST = 128
/** And after that: 1 per second × 128 KiB keeps bulk data off the relay. */
export const CIRCUITS_PER_SECOND = 1
/** Reservations of one address: a quarter of all; a class room of 60 tabs needs 60. */
export const RESERVATIONS_PER_ADDRESS_MAX = RESERVATIONS_MAX / 4
/** Circuits that the peers of one address may open at once: a class room of 60 that meets a lane of 60 others. */
export const CIRCUITS_PER_ADDRESS_BURST = 4_096
/** And after that, whatever identities they make: 16 × 128 KiB are 2 MB a second. */
export const CIRCUITS_PER_ADDRESS_PER_SECOND = 16
/** Streams of the relay protocol open at once on one connection, by the peer and towards it. */
export const HOP_STREAMS_MAX = 128
/** Streams of the relay protocol open at once towards one peer: all others may want to meet it. */
export const STOP_STREAMS_MAX = 256
/** All streams that a peer may open on one connection: hop streams and a dozen others. */
export const STREAMS_PER_CONNECTION_MAX = 256

/** Every reserved peer twice (a reload overlaps its old socket for a moment). */
export const CONNECTIONS_MAX = 2 * RESERVATIONS_MAX
/** Connections of one address: a quarter of all, as with its reservations, each twice. */
export const CONNECTIONS_PER_ADDRESS_MAX = CONNECTIONS_MAX / 4
/** New connections per second from one host: a class room of tabs behind one address. */
export const CONNECTIONS_PER_HOST_PER_SECOND = 200
/**
 * Connections in their handshake: about 20 ms of CPU each, so this is 10 s of work. One more, and the oldest
 * of the address that has the most of them gives way.
 */
export const CONNECTIONS_PENDING_MAX = 512
/**
 * And all that libp2p counts as pending, those that have just given way included: were it the smaller number,
 * libp2p would turn the newcomer away instead.
 */
export const CONNECTIONS_PENDING_TOTAL_MAX = 4 * CONNECTIONS_PENDING_MAX
/**
 * A socket that has not become a connection by then is closed. 80 peers that joined one loaded
 * two-core machine at once took 10 s; libp2p's own default of 10 s broke 130.
 */
export const HANDSHAKE_MS_MAX = 20_000
/** One message of a WebSocket: libp2p writes frames of 64 KiB, sometimes a few at once. */
export const WEBSOCKET_MESSAGE_BYTES_MAX = 1024 * 1024
/** Beyond this a WebSocket's sender waits: a burst of presence for one slow reader, 4 kB for each of 1,024 peers. */
export const WEBSOCKET_BUFFERED_BYTES_MAX = 4 * 1024 * 1024
/** Sockets that have not closed this long after the server stopped are cut. */
export const STOP_GRACE_MS = 1_000
/** A tab that compiles shaders or a long layer blocks its main thread for up to 18 s, and is alive. */
export const PING_INTERVAL_MS = 10_000
/** Time in which a ping must be answered. */
export const PING_TIMEOUT_MS = 20_000
/**
 * The time that libp2p averages the answers of pings over, to adapt that: so long that it never does. Its
 * average of wall clock times is infinite from the moment that the clock is set back.
 */
export const PING_AVERAGE_MS = Number.MAX_SAFE_INTEGER

/** A presence with 64 layers, 8 addresses of 256 characters and 255 neighbours of 3 bytes has about 3 kB. */
export const PRESENCE_BYTES_MAX = 4 * 1024
/** One gossip RPC: a heartbeat's IHAVE for 1,024 peers (3 windows of 46-byte ids) has 50 kB. */
export const GOSSIP_RPC_BYTES_MAX = 128 * 1024
/** Messages in one gossip RPC. */
export const GOSSIP_RPC_MESSAGES_MAX = 256
/** Control messages in one gossip RPC: two servers may have all of LANE_TOPICS_MAX in common. */
export const GOSSIP_RPC_CONTROLS_MAX = 1_024
/**
 * Bytes of gossip that wait for one neighbour to read them, beside what its socket holds: more, and its stream is
 * ended and begun anew. The presence of a full lane is 100 kB.
 */
export const GOSSIP_UNSENT_BYTES_MAX = 1024 * 1024
/**
 * The relay is how newcomers meet, so its mesh is wide: a full lane of up to 96 peers hears every
 * presence at once. 80 peers announcing every 3 s cost it a fifth of a core (0.09 ms and 400 bytes
 * for each copy). Beyond 96 it falls back to 24, and the peers' own mesh carries the rest.
 */
export const MESH_PEERS = {
  D: 24,
  Dlo: 16,
  Dhi: 96,
  Dscore: 8,
  Dout: 0,
  Dlazy: 16,
  gossipFactor: 0.5,
} as const

/** Presence topics that are followed at once: two releases with all their lanes. */
export const LANE_TOPICS_MAX = 1_024
/** A presence topic in which somebody was heard, and that no peer has followed for this long, is given up. */
export const LANE_TOPIC_IDLE_MS = 60_000
/** Topics that one peer has opened and nobody follows any more, kept at once: it reloads, or tries another lane. */
export const LANE_TOPICS_LEFT_PER_PEER_MAX = 4
/** Topics that one peer may open at once: as many as TOPIC_BYTES_PER_PEER_MAX lets it follow. */
export const LANE_TOPICS_OPENED_BURST = 16
/** And on the long run: all connected peers are told of each that opens or closes. */
export const LANE_TOPICS_OPENED_PER_SECOND = 0.5
/** How often that is looked at, and what is known of peers that have left is thrown away. */
export const SWEEP_INTERVAL_MS = 10_000
/** A clock that has gained or lost so much between two sweeps was set; one that is being adjusted moves by 5 ms. */
export const CLOCK_JUMP_MS_MIN = 2_000
/**
 * Gossip remembers the score of a peer that has left for so long, at 0.5 kB each; by default for an hour.
 * Whoever misbehaves is banned by the gate for the same time.
 */
export const SCORE_KEPT_MS = 60_000
/** Bytes of memory for the topics that one peer follows, at about 1.1 kB each: an honest one follows four at most. */
export const TOPIC_BYTES_PER_PEER_MAX = 16 * 1024

/** Presence of one author: every 3 s, at each change, and an answer to each newcomer. */
export const AUTHOR_MESSAGES_BURST = 30
/** And so much of one author on the long run. */
export const AUTHOR_MESSAGES_PER_SECOND = 5
/** Presence arriving from one neighbour: it forwards a whole swarm, 1,024 peers every 3 s. */
export const SOURCE_MESSAGES_BURST = 1_200
/** And so much of one neighbour on the long run: 1,024 peers every 3 s are 341. */
export const SOURCE_MESSAGES_PER_SECOND = 400
/**
 * And so many times that of all neighbours behind one address: gossip delivers each message once, so even a
 * household of a hundred tabs forwards no more than the presence of the swarm, 341 a second.
 */
export const SOURCES_PER_ADDRESS = 4
/**
 * And so many times what one neighbour may say of gossip's control: the tabs of a class room of 60 say one or two
 * parts a second each, and half a dozen when they come.
 */
export const CONTROLS_PER_ADDRESS = 16
/** Peers whose rate is remembered; the longest unseen is forgotten first. */
export const RATE_KEYS_MAX = 4_096
/** Malformed messages of its own that a peer may send before it is disconnected, and for how long. */
export const STRIKES_MAX = 5
/**
 * How long a banned peer is neither heard nor let in: shorter than in a lane, since nobody meets without a relay.
 */
export const BAN_MS = 60_000
/** Bans kept at most; the oldest makes room. */
export const BANS_MAX = 4_096

/** Addresses that a host may announce: peers take so many, and no more, from bootstrap.json (packages/peer, limits.ts). */
export const ANNOUNCED_MAX = 16
/** What is added to an announced address: `/p2p/` and a peer id, of 52 characters or somewhat more. */
export const PEER_ID_CHARS_MAX = 5 + 64

/** A certificate of our own lasts as long as browsers let public ones last: 397 days. */
export const CERTIFICATE_LIFE_MS = 397 * 86_400_000
/** One that ends sooner than in a month is made anew at the next start. */
export const CERTIFICATE_LEFT_MS_MIN = 30 * 86_400_000
/** Names in a certificate of our own: a machine's addresses and its names. */
export const CERTIFICATE_NAMES_MAX = 64

/** A request line's URL: the longest we serve, a part's, has 71 characters. */
export const URL_CHARS_MAX = 1_024
/** All headers of one request. */
export const HTTP_HEADER_BYTES_MAX = 8 * 1024
/**
 * Sockets at once on the one port: the WebSockets of all connections, and two for HTTP for each peer
 * that holds a reservation.
 */
export const HTTP_CONNECTIONS_MAX = CONNECTIONS_MAX + 2 * RESERVATIONS_MAX
/**
 * Of these one address may hold a quarter: 60 tabs of a class room take 420, a WebSocket and six for HTTP
 * each; and whoever opens sockets and says nothing leaves room for the others.
 */
export const HTTP_CONNECTIONS_PER_ADDRESS_MAX = HTTP_CONNECTIONS_MAX / 4
/**
 * Sockets that the system holds until the server takes them, for as long as it is busy; what comes beside a full
 * queue waits a second for its second try. Linux allows 4,096 (`somaxconn`); Node's own number is 511.
 */
export const LISTEN_QUEUE_MAX = 4_096
/**
 * Sockets that have asked for nothing yet: half of what one address may hold, so that who opens sockets and
 * says nothing leaves room for the others behind the same address. One more, and the oldest of the address
 * that has the most of them gives way. A request follows its socket within a round trip or two.
 */
export const HTTP_SILENT_MAX = HTTP_CONNECTIONS_PER_ADDRESS_MAX / 2
/**
 * Requests that one address may send at once: a class room of 60 tabs behind one, which fetch about 30
 * files each when they open the page.
 */
export const HTTP_REQUESTS_BURST = 2_000
/** And on the long run: 1,000 peers behind one address that look at bootstrap.json every 10 s. */
export const HTTP_REQUESTS_PER_SECOND = 100
/**
 * Requests of one connection that wait for the answer under way there: browsers send none before it has come,
 * and clients that do send a few. One more, and the connection is cut.
 */
export const HTTP_REQUESTS_WAITING_MAX = 16
/** Slow senders and slow readers are cut off. */
export const HTTP_REQUEST_MS_MAX = 15_000
/** How often it is looked who is too slow; Node's own 30 s would add as much to the 15. */
export const HTTP_CHECK_INTERVAL_MS = 2_000
/** A connection on which nothing moves for so long is cut. */
export const HTTP_IDLE_MS_MAX = 60_000
/** A connection without a request is kept so long for the next one. */
export const HTTP_KEEP_ALIVE_MS = 5_000
/** Wrong tokens of one address at once: a publisher who has mixed up two files tries each a few times. */
export const TOKEN_GUESSES_BURST = 10
/** And on the long run: 2^64 tokens of 16 characters would take longer than the server lives anyway. */
export const TOKEN_GUESSES_PER_SECOND = 0.1
/** Whoever goes on is not listened to for this long, right token or not. */
export const TOKEN_GUESSES_OVER_MS = 60_000
/** An upload of one part may take this long: 1 GiB in 10 minutes is 1.8 MB/s. */
export const UPLOAD_REQUEST_MS_MAX = 10 * 60_000
/** All parts of an uploaded release: a ViT-H in float32 has 2.5 GB. */
export const UPLOAD_RELEASE_BYTES_MAX = 4 * 2 ** 30
/** Releases whose parts are being uploaded at once; a publisher works on one. */
export const UPLOAD_DRAFTS_MAX = 4
/** Releases that were uploaded in all: with those of the command line they fit into bootstrap.json. */
export const UPLOADED_RELEASES_MAX = 32
/** An answer is written in pieces of this, the next when the one before is taken: what one connection holds of memory. */
export const ANSWER_PIECE_BYTES = 64 * 1024
/** Answers still being written when the server stops have this long to finish. */
export const HTTP_DRAIN_MS = 500
/** Below this compression gains nothing; above, a file is not held in memory. */
export const COMPRESS_BYTES_MIN = 1_024
/** The largest file that is compressed. */
export const COMPRESS_BYTES_MAX = 64 * 1024 * 1024
/** Compressed files in memory: a page with its three wasm builds has about 15 MB in each of two encodings. */
export const COMPRESSED_CACHE_BYTES_MAX = 64 * 1024 * 1024
/** 14.2 MB of wasm become 2.8 MB in 0.55 s of CPU; quality 6 takes half as long again for 2 % less. */
export const BROTLI_QUALITY = 5

/** Lines of the log about peers that are not on the allow-list: identities cost nothing, so a dozen and then one every ten seconds. */
export const REFUSALS_LOGGED = { burst: 12, perSecond: 0.1 }

/** A server of the same swarm answers for its bootstrap.json within this, or is away. */
export const PEERING_FETCH_MS_MAX = 5_000
/** And takes a WebSocket within this: a handshake through a proxy on a loaded machine. */
export const PEERING_DIAL_MS_MAX = 10_000
/** Its bootstrap.json, as long as peers take one (packages/peer, limits.ts). */
export const PEERING_DOCUMENT_BYTES_MAX = 128 * 1024
/** First wait before another server is tried again, doubled up to the maximum. */
export const PEERING_RETRY_MS = 500
/** The longest wait between two attempts: peers are connected to both, so presence hardly misses the link. */
export const PEERING_RETRY_MS_MAX = 15_000
/** How often it is looked at whether another server is still connected. */
export const PEERING_LOOK_INTERVAL_MS = 1_000
/** The server with the larger peer id leaves the other so much time to dial: its own look and a round trip. */
export const PEERING_TURN_MS = 2_000

/** Of a release's id, beside its name. */
export const ID_CHARS_SHOWN = 8

/** Peers of a release that /swarm.json names: more than a picture shows. */
export const SHOWN_PEERS_MAX = 64
/** The dashboard looks so often at how the swarm stands. */
export const HISTORY_INTERVAL_MS = 300_000
/** And keeps a day of that. */
export const HISTORY_MOMENTS_MAX = 288
/** /swarm.json is made anew at most so often, however many ask. */
export const SWARM_VIEW_MS = 1_000
/** The metrics are made anew at most so often, in 2 ms and more: Prometheus asks every 15 s. */
export const METRICS_MS = 1_000
