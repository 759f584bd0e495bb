import {
  askBeforeChecking,
  boundRpcs,
  createTurns,
  type Gate,
  judgeMessage,
  keepSpeaking,
  kindOf,
  type Message,
  type ModelShape,
  type PeerId,
  type Receiving,
  type RpcReceiving,
  type Speaking,
} from '@layerswarm/swarm'
import { type Message as GossipMessage, TopicValidatorResult } from '@libp2p/gossipsub'
import type { Connection } from '@libp2p/interface'
import { type SwarmNode, topicsOf } from '../node/libp2p-config.ts'
import { cutOff, directConnection } from '../node/peer-connections.ts'
import { afterTurn } from './after-turn.ts'
import type { LaneTopics } from './lane-place.ts'
import { createLaneAdmission, createLaneValidator } from './lane-validator.ts'

/** Messages that the gate refused: a peer of another version of the protocol is seen here first. */
export interface Refusals {
  readonly count: number
  /** Why the last one was, and whose it was: one line. */
  readonly last: string | undefined
}

/** The validator of topics of other lanes: a neighbour may not know yet that this member left. */
const unheard = () => TopicValidatorResult.Ignore

/** What a member hears, and from whom. */
export interface HearingNeeds {
  readonly node: SwarmNode
  readonly gate: Gate
  readonly release: string
  readonly shape: ModelShape
  /** Told each message that the gate delivers, once, and the neighbour that handed it over. */
  heard(author: PeerId, message: Message, via: PeerId): void
}

/** The way of messages from the wire to the listeners: by gossip in topics, or told over a stream. */
export interface Hearing {
  /** Hears these topics from now on. */
  start(topics: LaneTopics): void
  /** Hears these instead of those before: what still comes there is dropped. */
  change(topics: LaneTopics): void
  /** Hears and follows them no more. */
  stop(): void
  /** A message of the peer at the other end of a stream; false when it is to blame for it. */
  told(peer: string, bytes: Uint8Array): boolean
  /** Gossiped payload bytes of others that were delivered. */
  readonly bytesIn: number
  readonly refusals: Refusals
}

/**
 * 1. Gossiped or told, a message passes the same gate and counts in the same quota of its author,
 *    who for a told one is the peer at the other end.
 * 2. The gate is asked before the signature of a gossiped message is checked, and after; and before gossip heeds
 *    who wants to hear what.
 * 3. Whoever the gate bans is hung up on.
 * 4. Messages that come at once are checked in turns, between which everything else has its own.
 * 5. Gossip has a stream to everybody that this peer is connected to, or tries to.
 */
export function createHearing({ node, gate, release, shape, heard }: HearingNeeds): Hearing {
  const { pubsub } = node.services
  const self = node.peerId.toString()
  /** Decoded, until gossipsub delivers what it passes on. */
  const decoded = new WeakMap<GossipMessage, { message: Message; via: string }>()
  const refusals = { count: 0, last: undefined as string | undefined }
  let ends: readonly (() => void)[] = []
  let bytesIn = 0
  let followed: readonly string[] = []

  function deliver(raw: GossipMessage, message: Message, via: string): void {
    if (raw.type !== 'signed' || raw.from.toString() === self) return
    bytesIn += raw.data.length
    heard(raw.from.toString() as PeerId, message, via as PeerId)
  }
  const deliverPassedOn = ({ detail }: CustomEvent<GossipMessage>) => {
    const passedOn = decoded.get(detail)
    if (passedOn !== undefined) deliver(detail, passedOn.message, passedOn.via)
  }
  function refused(author: string, fault: string): void {
    refusals.count++
    refusals.last = `refused a message of ${author}: ${fault}`
  }
  const needs = { node, gate, refused }
  const admission = createLaneAdmission(needs, (topic) => followed.includes(topic))
  const validate = createLaneValidator(
    needs,
    shape,
    (raw, message, via) => decoded.set(raw, { message, via }),
    deliver,
  )

  function follow({ presence, lane }: LaneTopics): void {
    followed = [presence, lane]
    for (const topic of followed) {
      pubsub.topicValidators.set(topic, validate)
      pubsub.subscribe(topic)
    }
  }
  function unfollow(): void {
    for (const topic of followed) {
      pubsub.topicValidators.set(topic, unheard)
      if (node.status === 'started') pubsub.unsubscribe(topic)
    }
    followed = []
  }

  return {
    refusals,
    get bytesIn() {
      return bytesIn
    },
    start(topics) {
      for (const topic of topicsOf(release)) pubsub.topicValidators.set(topic, unheard)
      follow(topics)
      pubsub.addEventListener('message', deliverPassedOn)
      ends = [...asking(node, admission), speaking(node)]
    },
    change(topics) {
      unfollow()
      follow(topics)
    },
    stop() {
      pubsub.removeEventListener('message', deliverPassedOn)
      for (const end of ends) end()
      unfollow()
    },
    told(peer, bytes) {
      const author = peer as PeerId
      const isPresence = kindOf(bytes) === 'presence'
      const content = () => judgeMessage(bytes, undefined, author, shape)
      const arrival = { source: peer, author, isPresence, number: undefined, content }
      const verdict = gate.judge(arrival, performance.now())
      if (verdict.verdict === 'deliver') heard(author, verdict.message, author)
      if (verdict.verdict === 'deliver' || verdict.verdict === 'ignore') return true
      refused(peer, verdict.fault)
      if (verdict.verdict === 'ban') cutOff(node, peer, verdict.fault)
      return false
    },
  }
}

/** Gossip asks before it checks and heeds. @returns what ends it. */
function asking(
  { services: { pubsub } }: SwarmNode,
  admission: ReturnType<typeof createLaneAdmission>,
): (() => void)[] {
  const turns = createTurns({ nowMs: () => performance.now(), afterTurn })
  return [
    askBeforeChecking(pubsub as typeof pubsub & Receiving, admission, turns),
    boundRpcs(pubsub as typeof pubsub & RpcReceiving, admission),
  ]
}

/** Gossip keeps a stream on a direct connection to each neighbour. @returns ends it. */
function speaking(node: SwarmNode): () => void {
  const { pubsub } = node.services
  return keepSpeaking(pubsub as typeof pubsub & Speaking<Connection>, (peer) =>
    directConnection(node, peer),
  )
}
