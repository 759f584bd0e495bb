import type { GossipSub } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'

/** A message as it came, its signature unchecked. */
export interface RawMessage {
  readonly topic: string
  /** The multihash of whoever it says has signed it. */
  readonly from?: Uint8Array
  readonly seqno?: Uint8Array
}

/** What becomes of one whose signature was looked at: without a number of its own it is nobody's. */
interface Checked {
  readonly code: string
  readonly msgIdStr?: string
}

/** What of gossipsub stands between the wire and its validators; its types do not name it. */
interface Receiving {
  handleReceivedMessage(neighbour: PeerId, message: RawMessage): Promise<void>
  validateReceivedMessage(neighbour: PeerId, message: RawMessage): Promise<Checked>
  readonly fastMsgIdFn?: (message: RawMessage) => string
  readonly fastMsgIdCache?: { get(id: string): unknown }
}

/** Who is asked before and after a signature is checked. */
export interface Admission {
  /** Whether a message that was not heard before is worth the check. */
  admits(neighbour: string, message: RawMessage, isOwn: boolean): boolean
  /** A neighbour has handed over a message that nobody has signed. */
  forged(neighbour: string): void
}

/**
 * Asks before gossipsub checks a signature, which takes a hundred times as long as asking: it checks first
 * and asks its validators afterwards, so that a neighbour who floods had every message of his checked. What
 * is not admitted leaves no trace in gossipsub: the same message counts when another neighbour brings it.
 * @returns ends it.
 */
export function askBeforeChecking(pubsub: GossipSub, admission: Admission): () => void {
  const gossip = pubsub as GossipSub & Receiving
  const { handleReceivedMessage, validateReceivedMessage } = gossip
  const isKnown = (message: RawMessage) => {
    const id = gossip.fastMsgIdFn?.(message)
    return id !== undefined && gossip.fastMsgIdCache?.get(id) !== undefined
  }
  Object.assign(gossip, {
    async handleReceivedMessage(neighbour: PeerId, message: RawMessage) {
      const isOwn = isSame(message.from, neighbour.toMultihash().bytes)
      if (isKnown(message) || admission.admits(neighbour.toString(), message, isOwn))
        await handleReceivedMessage.call(gossip, neighbour, message)
    },
    async validateReceivedMessage(neighbour: PeerId, message: RawMessage) {
      const checked = await validateReceivedMessage.call(gossip, neighbour, message)
      if (checked.code === INVALID && checked.msgIdStr === undefined)
        admission.forged(neighbour.toString())
      return checked
    },
  })
  return () => Object.assign(gossip, { handleReceivedMessage, validateReceivedMessage })
}

const INVALID = 'invalid'

function isSame(some: Uint8Array | undefined, others: Uint8Array): boolean {
  return some?.length === others.length && others.every((byte, index) => some[index] === byte)
}
