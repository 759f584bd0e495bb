/** How the codec keeps its costs down. */

/** Peer ids whose key, and keys whose id, are remembered: a few lanes full. */
export const PEER_IDS_CACHED_MAX = 1_024
/** An Ed25519 public key (RFC 8032). */
export const ED25519_KEY_BYTES = 32
/** Its y is below this prime (RFC 8032, 5.1). */
export const ED25519_P = 2n ** 255n - 19n
/** Its libp2p peer id in base58btc: the key behind six fixed bytes. */
export const ED25519_ID_CHARS = 52
/** Bytes of a release's hash in its topics: whoever wants another release in them has to find 128 bits that are given. */
export const TOPIC_RELEASE_BYTES = 16
/** In place of the kind of a message: releases of its layers come before it. No kind is ever counted so far. */
export const MIXED_MARK = 0xff
