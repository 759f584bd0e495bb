import {
  BAN_MS,
  type Bans,
  createNewest,
  createQuota,
  judgeMessage,
  LANE_MESSAGES_BURST,
  LANE_MESSAGES_PER_SECOND,
  type Message,
  type ModelShape,
  type PeerId,
  PRESENCE_MESSAGES_BURST,
  PRESENCE_MESSAGES_PER_SECOND,
  PRESENCE_TOPIC,
  QUOTA_AUTHORS_MAX,
  REJECTS_PER_NEIGHBOUR_MAX,
} from '@layerswarm/swarm'
import { type Message as GossipMessage, TopicValidatorResult } from '@libp2p/gossipsub'
import type { PeerId as Libp2pPeerId } from '@libp2p/interface'
import { CLOSE_TIMEOUT_MS } from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { hangUp } from '../node/peer-connections.ts'

export interface LaneValidatorNeeds {
  node: SwarmNode
  bans: Bans
  /** Peers that forward presence without judging it, the bootstrap nodes: not blamed for its contents. */
  isForwarder(peer: string): boolean
}

export type LaneValidator = (source: Libp2pPeerId, message: GossipMessage) => TopicValidatorResult

/**
 * Decides about every message before it is delivered or forwarded: `Reject` blames the neighbour
 * that passed it on, `Ignore` nobody.
 * @param judged where the decoded form of an accepted message is kept until it is delivered.
 */
export function createLaneValidator(
  { node, bans, isForwarder }: LaneValidatorNeeds,
  shape: ModelShape,
  judged: WeakMap<GossipMessage, Message>,
): LaneValidator {
  const namesMax = QUOTA_AUTHORS_MAX
  const presenceQuota = createQuota({
    perSecond: PRESENCE_MESSAGES_PER_SECOND,
    burst: PRESENCE_MESSAGES_BURST,
    namesMax,
  })
  const laneQuota = createQuota({
    perSecond: LANE_MESSAGES_PER_SECOND,
    burst: LANE_MESSAGES_BURST,
    namesMax,
  })
  // Refills once per ban, so that rare refusals (a peer of a newer version) add up to nothing.
  const patience = createQuota({
    perSecond: (REJECTS_PER_NEIGHBOUR_MAX / BAN_MS) * 1000,
    burst: REJECTS_PER_NEIGHBOUR_MAX - 1,
    namesMax,
  })

  const newest = createNewest(namesMax)

  function blame(source: string, nowMs: number): void {
    if (isForwarder(source) || patience.take(source, nowMs)) return
    bans.add(source, nowMs)
    hangUp(node, source, CLOSE_TIMEOUT_MS).catch(() => undefined)
  }

  return (source, message) => {
    const nowMs = performance.now()
    if (message.type !== 'signed') return TopicValidatorResult.Reject
    const author = message.from.toString() as PeerId
    const quota = message.topic === PRESENCE_TOPIC ? presenceQuota : laneQuota
    if (!quota.take(author, nowMs)) return TopicValidatorResult.Ignore
    // In Node the data is a Buffer, whose slice() would share memory with the network's.
    const { buffer, byteOffset, byteLength } = message.data
    const data = new Uint8Array(buffer, byteOffset, byteLength)
    const verdict = judgeMessage(data, message.topic, author, shape)
    if ('fault' in verdict) {
      blame(source.toString(), nowMs)
      return TopicValidatorResult.Reject
    }
    if (
      verdict.message.kind === 'presence' &&
      !newest.take(author, message.sequenceNumber, nowMs)
    ) {
      return TopicValidatorResult.Ignore
    }
    judged.set(message, verdict.message)
    return TopicValidatorResult.Accept
  }
}
