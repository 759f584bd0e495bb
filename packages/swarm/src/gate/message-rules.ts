import { SwarmError } from '../errors.ts'
import { type ModelShape, stepFault } from '../step.ts'
import { decodeMessage, type Message, type PeerId, PRESENCE_TOPIC } from '../wire/messages.ts'

/** A message that may be delivered and passed on, or why it may not. */
export type Judged = { message: Message } | { fault: string }

/**
 * Judges what a peer signed, by the message alone: every honest peer comes to the same verdict, so
 * whoever passes a refused message on is to blame for it.
 * @param topic where it arrived.
 * @param author who signed it.
 */
export function judgeMessage(
  bytes: Uint8Array,
  topic: string,
  author: PeerId,
  shape: ModelShape,
): Judged {
  let message: Message
  try {
    message = decodeMessage(bytes)
  } catch (error) {
    if (error instanceof SwarmError) return { fault: error.message }
    throw error
  }
  if ((message.kind === 'presence') !== (topic === PRESENCE_TOPIC)) {
    return { fault: `a ${message.kind} in the wrong topic` }
  }
  const fault = sayFault(message, author, shape)
  return fault === undefined ? { message } : { fault }
}

/** Why this author may not say this; undefined when it may. */
function sayFault(message: Message, author: PeerId, shape: ModelShape): string | undefined {
  switch (message.kind) {
    case 'step':
      if (message.route.length === 0 && author !== message.requester) {
        return 'a first step that its requester did not sign'
      }
      return stepFault(message, author, shape)
    case 'presence':
      // Another release may have other layers; addresses must lead to their author.
      return message.addresses.every((address) => address.endsWith(`/p2p/${author}`))
        ? undefined
        : 'an address of somebody else'
    case 'claim':
    case 'done':
    case 'again':
      return undefined
    default:
      return message satisfies never
  }
}
