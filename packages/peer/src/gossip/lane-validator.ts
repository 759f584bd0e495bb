import {
  type Admission,
  type Gate,
  judgeMessage,
  type Message,
  type ModelShape,
  type PeerId,
  parseTopic,
  type RpcBounds,
} from '@layerswarm/swarm'
import { type Message as GossipMessage, TopicValidatorResult } from '@libp2p/gossipsub'
import type { PeerId as Libp2pPeerId } from '@libp2p/interface'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { cutOff } from '../node/peer-connections.ts'
import { isPlain } from './plain-signature.ts'

/** What gossip asks before it delivers a message or passes it on: who handed it over, and what it is. */
export type LaneValidator = (source: Libp2pPeerId, message: GossipMessage) => TopicValidatorResult

/** What a validator judges by, and whom it hangs up on. */
export interface LaneValidatorNeeds {
  readonly node: SwarmNode
  readonly gate: Gate
  /** Told whose message the gate refused, and why. */
  refused(author: string, fault: string): void
}

/**
 * Asks the gate before a signature is checked, and before gossip heeds what is no message.
 * @param follows whether a topic is one of this member's lane: what is said in others is looked at by nobody.
 */
export function createLaneAdmission(
  { node, gate, refused }: LaneValidatorNeeds,
  follows: (topic: string) => boolean,
): Admission & RpcBounds {
  function banned(neighbour: string, fault: string): void {
    refused(neighbour, fault)
    cutOff(node, neighbour, fault)
  }
  return {
    admits(source, { topic }, author) {
      if (!follows(topic)) return false
      const isPresence = parseTopic(topic)?.carries === 'presence'
      const verdict = gate.admit({ source, author, isPresence }, performance.now())
      if (verdict?.verdict === 'ban') banned(source, verdict.fault)
      return verdict === undefined
    },
    isPlain: ({ from, signature }) =>
      from === undefined || signature === undefined || isPlain(from, signature),
    isBanned: (source) => gate.isBanned(source, performance.now()),
    heeds: (source, parts) => gate.heeds(source, parts, performance.now()),
    blame(source, fault) {
      if (gate.blame(source, performance.now())) banned(source, fault)
    },
  }
}

/**
 * Asks the gate about every message that it has admitted (admission.ts), and tells gossipsub in its own words: `Accept` delivers and
 * passes on, `Ignore` does neither, `Reject` blames the neighbour as well.
 * @param accepted told of a message that gossipsub will deliver and pass on.
 * @param keep told of a message that is for this peer alone: gossipsub ignores it.
 */
export function createLaneValidator(
  { node, gate, refused }: LaneValidatorNeeds,
  shape: ModelShape,
  accepted: (raw: GossipMessage, message: Message, source: string) => void,
  keep: (raw: GossipMessage, message: Message, source: string) => void,
): LaneValidator {
  return (source, raw) => {
    if (raw.type !== 'signed') return TopicValidatorResult.Reject
    const { topic } = raw
    const author = raw.from.toString() as PeerId
    const verdict = gate.judgeAdmitted(
      {
        source: source.toString(),
        author,
        isPresence: parseTopic(topic)?.carries === 'presence',
        number: raw.sequenceNumber,
        content: () => judgeMessage(bytesOf(raw), topic, author, shape),
      },
      performance.now(),
    )
    switch (verdict.verdict) {
      case 'deliver':
        if (verdict.passOn) accepted(raw, verdict.message, source.toString())
        else keep(raw, verdict.message, source.toString())
        return verdict.passOn ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore
      case 'ignore':
        return TopicValidatorResult.Ignore
      case 'ban':
        refused(author, verdict.fault)
        cutOff(node, verdict.peer, verdict.fault)
        return TopicValidatorResult.Reject
      case 'reject':
        refused(author, verdict.fault)
        return TopicValidatorResult.Reject
      default:
        return verdict satisfies never
    }
  }
}

/** In Node the data is a Buffer, whose slice() would share memory with the network's. */
function bytesOf({ data: { buffer, byteOffset, byteLength } }: GossipMessage): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
