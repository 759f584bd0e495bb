/** How the codec keeps its costs down. */

/** Peer ids whose key, and keys whose id, are remembered: a few lanes full. */
export const PEER_IDS_CACHED_MAX = 1_024
