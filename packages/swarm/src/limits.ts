/** Every bound of the protocol, with its unit last and the reason that gave it. */

/** A request id: 128 random bits never collide by chance. */
export const REQUEST_ID_BYTES = 16
/** Whether members audit, unless they are told otherwise: who lies is not to be found out by some alone. */
export const AUDITS_BY_DEFAULT = true
/** What is drawn of a request's visits: nobody guesses 128 bits. */
export const SEED_BYTES = 16
/** A libp2p peer id of an Ed25519 key is 52 characters; RSA ones are 46. */
export const PEER_ID_CHARS_MAX = 64
/** The key of a private swarm: 32 random bytes in base64url, beyond guessing. */
export const SWARM_KEY_CHARS = 43
/** Peers on an allow-list: more than a server has room for, and half a megabyte of text. */
export const ALLOW_LIST_PEERS_MAX = 10_000
/** As many layers as a manifest may have (packages/model, spec.ts). */
export const LAYERS_MAX = 64
/** ViT-L at 384 pixels in float32: 577 tokens x 1,024 x 4 bytes = 2.4 MB. */
export const ACTIVATION_BYTES_MAX = 4 * 1024 * 1024
/** Up to here an activation rides inside the gossip message; a mesh delivers each message several times. */
export const INLINE_BYTES_MAX = 1024
/** An inline activation, a route of 64 hops (about 72 bytes each, 33 more of another release), as many links of its chain (101 bytes each), the silent ones and the rest. */
export const MESSAGE_BYTES_MAX = INLINE_BYTES_MAX + 16 * 1024
/** Addresses that a peer announces. */
export const ADDRESSES_MAX = 8
/** Characters of one address: a relayed WebRTC one has about 180. */
export const ADDRESS_CHARS_MAX = 256
/** STUN and TURN servers of a swarm: browsers warn that five slow down the search for a way. */
export const ICE_SERVERS_MAX = 4
/** Characters of an ICE server's URL, user name and credential, each. */
export const ICE_TEXT_CHARS_MAX = 256
/**
 * Bootstrap nodes of one swarm: each peer holds a connection and a reservation at each, and announces
 * a circuit through each in its ADDRESSES_MAX addresses.
 */
export const BOOTSTRAP_NODES_MAX = 4
/** Characters of the URL of a swarm's server. */
export const SERVER_URL_CHARS_MAX = 256
/** Neighbours that one presence names. */
export const NEIGHBOURS_MAX = 255
/** Silent peers that one step names, the latest: where more of one request crash, nothing helps. */
export const SILENT_MAX = 3
/** Peers that one step bars, the latest: a lane has LANE_PROVIDERS providers and some who come and go, two bytes each. */
export const BARRED_MAX = 32
/** SHA-256. */
export const HASH_BYTES = 32
/** An Ed25519 signature (RFC 8032). */
export const SIGNATURE_BYTES = 64
/** Links of a step's chain beyond its requester's and one for each layer: of whoever passed a tensor on, or began an era. */
export const CHAIN_SPARE_MAX = 7
/** Links of a step's chain. */
export const CHAIN_MAX = LAYERS_MAX + 1 + CHAIN_SPARE_MAX
/** Times that a request may go back to an older step because the newest tensor was lost. */
export const ERAS_MAX = 15

/** Lanes that one release may have: 12,000 providers. */
export const LANES_MAX = 512
/** Providers of a lane before the next one is opened: each can have a direct connection to all the others. */
export const LANE_PROVIDERS = 24

/** Presence goes out this often; two losses in a row must not make a peer look dead. */
export const PRESENCE_INTERVAL_MS = 3_000
/** While nothing changes it goes out ever more rarely, down to this: idle lanes of 24 cost each member 1.5 kB/s. */
export const PRESENCE_INTERVAL_MS_MAX = 5_400
/** A member unheard for this long does not count any more. */
export const PRESENCE_TTL_MS = 2.5 * PRESENCE_INTERVAL_MS_MAX
/** A layer time that differs by more than this from the announced one is news. */
export const SPEED_NEWS_MS = 10
/** A change of speed is announced at most this often. */
export const SPEED_NEWS_INTERVAL_MS = 1_000
/** A newcomer listens this long before it chooses layers: every living peer answers a newcomer at once. */
export const JOIN_LISTEN_MS = 700
/** Peers that one member remembers: a full lane is about a hundred. */
export const PEERS_MAX = 1_024
/** Releases beside the lane's that one member has judged and remembers: as many as a manifest may name, a few times over. */
export const RELEASES_JUDGED_MAX = 64
/** Releases that a member has judged in a second, on the long run: whoever makes up ids is not to have it ask for each. */
export const RELEASES_JUDGED_PER_SECOND = 0.1
/** So many at once: a newcomer to a lane of many versions. */
export const RELEASES_JUDGED_BURST = 8
/** A release that could not be read is looked at again after this: a server that starts again takes less. */
export const RELEASE_AGAIN_MS = 30_000

/** Requests that one provider follows at once; each holds at most two steps (18 kB). */
export const FLIGHTS_MAX = 512
/** Of these, requests of one requester, so that a flood hurts only its author. */
export const FLIGHTS_PER_REQUESTER_MAX = 128
/**
 * And so many while others ask too. Requests that nobody ends count until their deadline, so one
 * that only floods is soon not heard any more.
 */
export const FLIGHTS_PER_REQUESTER_FAIR = 32
/**
 * And so many that one neighbour answers for: of requesters that are not connected here themselves, and of its own.
 * A full lane's worth of askers out of reach has fewer under way at one provider.
 */
export const FLIGHTS_PER_NEIGHBOUR_MAX = 128
/** Layer runs that a provider accepts before it stops bidding. */
export const SLOTS_DEFAULT = 8
/** Longest rest of a provider that serves a share of the time: a run that a sleeping machine drew out is no work. */
export const REST_MS_MAX = 30_000
/** Whoever floods is not heard and not connected to for this long. */
export const BAN_MS = 5 * 60_000
/** Longest deadline that a request may carry. */
export const DEADLINE_MS_MAX = 10 * 60_000
/** How long finished requests are remembered, so that late messages do not revive them. */
export const FINISHED_REMEMBERED_MS = 30_000
/** Finished requests remembered at once. */
export const FINISHED_REMEMBERED_MAX = 4_096

/**
 * Least wait of the second-best provider before it claims too: above the time a claim takes to cross
 * a quiet lane. Where answers take longer, each provider waits as long as it has seen them take.
 */
export const CLAIM_STAGGER_MS = 40
/** However slow the lane, the second-best provider waits no longer than this behind the best. */
export const CLAIM_STAGGER_MS_MAX = 500
/** Work expected to be done sooner than this is not claimed in words: the next step says it all. */
export const SILENT_CLAIM_MS = CLAIM_STAGGER_MS / 2
/** A provider whose engine failed bids on nothing for this long: a lost GPU is back in about three seconds. */
export const AILING_MS = 1_000
/** Least time between two repetitions of a step that its requester has missed. */
export const SAY_AGAIN_MS = 500
/** No provider waits longer than this before it claims an unclaimed step. */
export const CLAIM_DELAY_MS_MAX = 2_000
/** A claim holds for this many times the claimer's own estimate, within the two bounds below. */
export const CLAIM_TTL_FACTOR = 4
/** A claim holds at least this long: a message crosses a bad lane in so much. */
export const CLAIM_TTL_MS_MIN = 400
/** A claim holds nobody up for longer than this: a layer of ViT-H on a slow tab takes ten seconds. */
export const CLAIM_TTL_MS_MAX = 30_000

/** Without a claim or a step for this long the requester offers its newest step again; on a slow lane later. */
export const STALL_MS = 1_500
/** However slow the lane, a step is offered again after this. */
export const STALL_MS_MAX = 4_000
/** Remaining layers must lack a living host this long before the requester answers without them. */
export const NO_HOST_GRACE_MS = 1_200
/** Time allowed to find the first provider at all. */
export const FIRST_PROVIDER_MS = 8_000
/**
 * Direct connections of one peer. Presence, and a step that nobody is named for, floods to all of them,
 * so this is also the cost of one publish; Chrome stops at about 500 RTCPeerConnections per page and degrades long before.
 */
export const CONNECTIONS_MAX = 24
/** Mesh degree of gossip: authors flood, so the mesh only repairs (measured in packages/peer, libp2p-config.ts). */
export const GOSSIP_DEGREE = 2
/** Authors send to all their connections and not only to their mesh: most hops are one hop away. */
export const GOSSIP_FLOOD_PUBLISH = true
/** What was lost is asked for again with the next heartbeat: gossipsub's own default. */
export const GOSSIP_HEARTBEAT_MS = 1_000
/** How long gossiped messages are checked before what else is due: a deadline is kept to 100 ms, and one takes 0.7. */
export const GOSSIP_TURN_MS = 8
/** So many at once, for a signature is checked in another thread of a browser. */
export const GOSSIP_CHECKS_AT_ONCE_MAX = 8
/** A neighbour that takes no stream of gossip is asked for one again after so many heartbeats at most. */
export const GOSSIP_STREAM_HEARTBEATS_MAX = 16

/** Of a frame of yamux, before what it carries. */
export const MUX_HEADER_BYTES = 12
/**
 * Largest window of a stream, and so what a frame of yamux carries at most and what waits for the rest of one. Grown
 * from 256 KiB where a way is long; 1 MiB is 80 Mbit/s over 100 ms, for each of several streams. By default 16 MiB.
 */
export const STREAM_WINDOW_BYTES_MAX = 1024 * 1024
/** Pings of yamux that one connection brings: an honest one says one when it begins, and one every 30 s. */
export const MUX_PINGS = Object.freeze({ perSecond: 1, burst: 32 })
/**
 * Streams that one connection begins: a dozen when it stands, 22 for tensors, layers and words, and one for each ping
 * of libp2p and each tab that is met over a circuit.
 */
export const MUX_STREAMS = Object.freeze({ perSecond: 50, burst: 512 })
/**
 * Bytes that wait for the other end of a connection to read, beside what its socket holds: streams stop when that is
 * full, with a window under way at most. By default there is no end to the answers of pings.
 */
export const CONNECTION_UNSENT_BYTES_MAX = 8 * 1024 * 1024
/**
 * Parts of one gossip RPC, in gossipsub's words; its own are 5,000 of most. A server names all the topics that it
 * follows; of control there is one part of a kind for each topic that the two have in common.
 */
export const GOSSIP_RPC_PARTS_MAX = Object.freeze({
  maxSubscriptions: 1_024,
  maxMessages: 1_024,
  maxControlMessages: 64,
  maxIhaveMessageIDs: 5_000,
  maxIwantMessageIDs: 5_000,
  maxIdontwantMessageIDs: 512,
  maxPeerInfos: 16,
})
/**
 * Parts of gossip's control that one neighbour says in a second (GRAFT, PRUNE, IHAVE, IWANT): an honest one comes to
 * one or two, with two topics and a heartbeat a second, and each costs up to 0.24 ms.
 */
export const GOSSIP_CONTROLS_PER_SECOND = 10
/** So many at once: what gathers while the one or the other is held up for a minute. */
export const GOSSIP_CONTROLS_BURST = 128
/**
 * Messages per second that one author gossips to a lane: what is left to whoever answers first, claims on it and
 * ends. Each costs every receiver a signature and a third of a millisecond of one core; a busy provider says ten.
 */
export const LANE_MESSAGES_PER_SECOND = 100
/**
 * So many at once: a lane that has lost its hosts has all its requests in public for some seconds. With every step
 * in public and a hundred requests a second, more than 60 peers can serve, an honest one came to 121.
 */
export const LANE_MESSAGES_BURST = 150
/** Messages per second that one neighbour tells over a stream of its own: a claim, a step and an end per hop. */
export const TOLD_MESSAGES_PER_SECOND = 800
/** So many at once: three seconds of the rate. */
export const TOLD_MESSAGES_BURST = 2_400
/** Messages per second that one neighbour hands over by gossip, whoever said them: half of a lane's authors at their rate would be more. */
export const HANDED_OVER_PER_SECOND = 800
/** So many at once: three seconds of the rate. */
export const HANDED_OVER_BURST = 2_400
/** Messages per second of one author that a member passes on: who floods pays with its own uplink, and not with everybody's. */
export const PASSED_ON_PER_SECOND = 40
/** So many at once: three seconds of the rate. */
export const PASSED_ON_BURST = 120
/** Messages per second of authors that are not known to be there, of all that one neighbour hands over, that a member looks at. */
export const STRANGERS_HEARD_PER_SECOND = 20
/** So many at once: a made-up crowd costs a member 20 ms of checking signatures. */
export const STRANGERS_HEARD_BURST = 60
/** So many of those a second a member passes on: who does not know an author does not answer for it. */
export const STRANGERS_PASSED_ON_PER_SECOND = 10
/** So many at once: steps of a few requests. */
export const STRANGERS_PASSED_ON_BURST = 30
/** Of its own messages beyond a rate so many are ignored, and so many more in each second, before a neighbour is hung up on. */
export const OVER_RATE_BURST = 100
/** See OVER_RATE_BURST: an honest peer that is over a rate at all is so for a moment. */
export const OVER_RATE_PER_SECOND = 20
/**
 * Milliseconds of work that one author may claim in a second, in claims to a whole lane: twice what SLOTS_DEFAULT
 * runs at once take. Who claims everything for as long as it may, and does none of it, is soon heard no more.
 */
export const CLAIMED_MS_PER_SECOND = 2 * SLOTS_DEFAULT * 1_000
/** So much at once: every slot for as long as a claim may hold. */
export const CLAIMED_MS_BURST = SLOTS_DEFAULT * CLAIM_TTL_MS_MAX
/** Presence goes out every 3 s and on every change of slots. */
export const PRESENCE_MESSAGES_PER_SECOND = 10
/** So many at once: an answer to each of a crowd of newcomers. */
export const PRESENCE_MESSAGES_BURST = 40
/** Authors whose quota is remembered; the longest silent is forgotten first. */
export const QUOTA_AUTHORS_MAX = 2_048
/** Invalid messages from one neighbour, which should have stopped them, before it is hung up on. */
export const REJECTS_PER_NEIGHBOUR_MAX = 5
/** Bans kept at once; the oldest makes room. */
export const BANS_MAX = 1_024

/** 4 MiB at the 11 Mbit/s of a mobile uplink take 3 s. */
export const TENSOR_TIMEOUT_MS = 6_000
/** Images that may travel together in one request. */
export const BATCH_MAX = 64

/** A tensor that was to be pushed is waited for so long, and its bytes at this rate (1 Mbit/s), before it is asked for. */
export const PUSH_PATIENCE_MS = 500
/** The slowest rate at which a pushed tensor is waited for, bytes per millisecond. */
export const PUSH_BYTES_PER_MS = 125
/** Tensors that came without being asked for, kept until they are pulled; within TENSORS_HELD_BYTES_MAX as well. */
export const PUSHED_TENSORS_MAX = 64

/** Points of top-1 that running layers at once may cost against one after another, unless a request says otherwise. */
export const ROUNDS_LOSS_POINTS = 0.5
