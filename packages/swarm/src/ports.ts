import type { EncodedActivation, EngineName } from '@layerswarm/model'
import type { SignedStatement } from './chain/statement.ts'
import type { LaneCount } from './wire/lane-count.ts'
import type { HeldActivation, Message, PeerId, Signature, TensorHash } from './wire/messages.ts'

/** Time and timers; virtual in the simulator. */
export interface Clock {
  /** Milliseconds from any fixed start; never goes back. */
  nowMs(): number
  /** Calls `fire` once, not before `atMs`. Returns what cancels it. */
  wakeAt(atMs: number, fire: () => void): () => void
}

/** Randomness; seeded in the simulator. */
export interface Random {
  bytes(count: number): Uint8Array
}

/** What a transport tells its member. */
export interface TransportEvents {
  /**
   * A decoded message of another peer, by gossip or over a direct stream: it was signed, or its author is at the other end.
   * @param via the neighbour that handed it over: its author, or one who passed it on.
   */
  messageArrived(from: PeerId, message: Message, via: PeerId): void
  /** The last connection to a peer is gone: a hint, not a proof. */
  peerDisconnected(peer: PeerId): void
}

/** How fast this peer's access is, as measured, bytes per millisecond; undefined while it is not. */
export interface AccessSpeed {
  readonly upload: number | undefined
  readonly download: number | undefined
}

/**
 * The way to the other members of a lane. Calls report through callbacks instead of promises,
 * so that the simulator stays one thread of events in virtual time.
 */
export interface Transport {
  readonly self: PeerId
  /** Signs with the key that `self` is the name of; undefined when it cannot. */
  sign(statement: Uint8Array, signed: (signature: Signature | undefined) => void): void
  /** Whether all of these were signed with the keys that their signers are the names of. */
  verify(statements: readonly SignedStatement[], verified: (areTrue: boolean) => void): void
  /** Starts delivering; returns what stops it. */
  listen(events: TransportEvents): () => void
  /**
   * From now on it speaks and listens in this lane of its release only, and its neighbours are the members
   * of this one; it begins in lane 0. Connections to members of the lane before stay for a while: `tell`,
   * `push` and `pull` go on working between them. Nothing happens when it is there already.
   */
  enter(lane: number): void
  /** Asks how full the lanes of its release are, of somebody who hears the presence of all; undefined when nobody can say. */
  countLanes(counted: (lanes: readonly LaneCount[] | undefined) => void): void
  /** Sends to everyone in the message's topic, presence to that of the lane it is about; best effort, never throws. */
  publish(message: Message): void
  /** Sends to one peer over a direct stream; best effort, never throws; nothing happens without a direct connection. */
  tell(message: Message, to: PeerId): void
  /** Keeps a tensor for others to pull and says under which hash, or undefined when it cannot. */
  offer(bytes: Uint8Array, offered: (hash: TensorHash | undefined) => void): void
  /** Forgets an offered tensor. */
  withdraw(hash: TensorHash): void
  /** Sends an offered tensor to a peer that has not asked for it; best effort. */
  push(hash: TensorHash, to: PeerId): void
  /**
   * Fetches a tensor from its holder and checks its hash; undefined on any failure. Returns what cancels it.
   * @param isAwaited its holder was to push it: it is asked for only when it does not come within
   * PUSH_PATIENCE_MS and its bytes at PUSH_BYTES_PER_MS.
   */
  pull(
    tensor: HeldActivation,
    isAwaited: boolean,
    pulled: (bytes: Uint8Array | undefined) => void,
  ): () => void
  /** Whether there is a direct connection to this peer. */
  reaches(peer: PeerId): boolean
  /** Everybody to whom there is a direct connection. */
  neighbours(): readonly PeerId[]
  /** Time there and back of a small message, milliseconds; undefined while it is not measured. */
  rttMs(peer: PeerId): number | undefined
  accessSpeed(): AccessSpeed
  /** Hangs up on a peer that floods, and neither hears it nor passes on what it says for BAN_MS. */
  ban(peer: PeerId): void
}

/** A layer's result, or why there is none. */
export type LayerOutcome = { activation: EncodedActivation; ms: number } | { failure: string }
/** Class scores of every image of the batch (B rows), or why there are none. */
export type HeadOutcome = { logits: number[][] } | { failure: string }

/** Loads and runs layers; in production an engine in a worker of its own. */
export interface Compute {
  readonly backend: EngineName
  /** Fetches, checks and loads a layer; `failure` says why it could not. */
  host(layer: number, hosted: (failure?: string) => void): void
  drop(layer: number): void
  run(
    layer: number,
    hop: number,
    input: EncodedActivation,
    finished: (outcome: LayerOutcome) => void,
  ): void
  runHead(input: EncodedActivation, finished: (outcome: HeadOutcome) => void): void
}
