import { SwarmError } from '../errors.ts'
import { MESSAGE_BYTES_MAX } from '../limits.ts'
import type { ModelShape } from '../step.ts'
import { decodeMessage, type Message, type PeerId } from '../wire/messages.ts'
import { parseTopic, topicRelease } from '../wire/topics.ts'
import { roundFault } from './round-fault.ts'
import { stepFault } from './step-fault.ts'

/**
 * What is wrong with a message: it is too long, it cannot be read, it does not belong where it
 * was said, or it is not its author's to say.
 */
export type FaultKind = 'oversized' | 'malformed' | 'wrong-topic' | 'not-allowed'

/** Why a message is refused: one line for people, and its kind for programs. */
export interface MessageFault {
  readonly fault: string
  readonly kind: FaultKind
}

/** A message that may be delivered and passed on, or why it may not. */
export type Judged = { readonly message: Message } | MessageFault

/**
 * Judges what a peer signed, by the message alone: every honest peer comes to the same verdict, so
 * whoever passes a refused message on is to blame for it.
 * @param topic where it arrived; undefined for what was told over a stream, where everything may be said.
 * @param author who signed it.
 * @param shape of the lane's model; for another release's presence it does not matter.
 * @throws nothing that a message could bring about: an error that is no SwarmError is a bug.
 * @param bytesMax the longest message taken, for a topic that needs no more.
 */
export function judgeMessage(
  bytes: Uint8Array,
  topic: string | undefined,
  author: PeerId,
  shape: ModelShape,
  bytesMax = MESSAGE_BYTES_MAX,
): Judged {
  if (bytes.length > bytesMax) {
    return { kind: 'oversized', fault: `${bytes.length} bytes where ${bytesMax} are allowed` }
  }
  let message: Message
  try {
    message = decodeMessage(bytes)
  } catch (error) {
    if (error instanceof SwarmError) return { kind: 'malformed', fault: error.message }
    throw error
  }
  const misplaced = topic === undefined ? undefined : placeFault(message, topic)
  if (misplaced !== undefined) return { kind: 'wrong-topic', fault: misplaced }
  const fault = sayFault(message, author, shape)
  return fault === undefined ? { message } : { kind: 'not-allowed', fault }
}

/** Why this may not be said in this topic; undefined when it may. */
function placeFault(message: Message, topic: string): string | undefined {
  const place = parseTopic(topic)
  if (place === undefined || (message.kind === 'presence') !== (place.carries === 'presence'))
    return `a ${message.kind} in the wrong topic`
  if (message.kind === 'round' || message.kind === 'update')
    return `${message.kind === 'round' ? 'a round' : 'an update'} in a topic: it concerns two peers and is told`
  if (message.kind !== 'presence') return undefined
  const { release, lane } = message
  return topicRelease(release) === place.release && lane === place.lane
    ? undefined
    : 'a presence in the topic of another lane'
}

/** Why this author may not say this; undefined when it may. */
function sayFault(message: Message, author: PeerId, shape: ModelShape): string | undefined {
  switch (message.kind) {
    case 'step':
      return stepFault(message, author, shape)
    case 'presence':
      if (new Set(message.layers).size !== message.layers.length)
        return 'an announced layer stands twice'
      // Another release may have other layers; addresses must lead to their author.
      return message.addresses?.every((address) => address.endsWith(`/p2p/${author}`)) === false
        ? 'an address of somebody else'
        : undefined
    case 'round':
    case 'update':
      return roundFault(message, shape)
    case 'claim':
    case 'done':
    case 'again':
    case 'hint':
      return undefined
    default:
      return message satisfies never
  }
}
