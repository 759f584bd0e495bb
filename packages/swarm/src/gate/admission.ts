import { peerIdOfMultihash } from '../wire/peer-id.ts'
import type { Turns } from './turns.ts'

/** A message as it came, its signature unchecked. */
export interface RawMessage {
  readonly topic: string
  /** The multihash of whoever it says has signed it. */
  readonly from?: Uint8Array
  readonly seqno?: Uint8Array
  readonly data?: Uint8Array
  readonly signature?: Uint8Array
}

/** As libp2p names a neighbour. */
export interface Neighbour {
  toString(): string
}

/** What becomes of one whose signature was looked at: without a number of its own it is nobody's. */
interface Checked {
  readonly code: string
  readonly reason?: string
  readonly error?: string
  readonly msgIdStr?: string
}

/** What of gossipsub (17.1) stands between the wire and its validators; its types do not name it. */
export interface Receiving {
  handleReceivedMessage(neighbour: Neighbour, message: RawMessage): Promise<void>
  validateReceivedMessage(neighbour: Neighbour, message: RawMessage): Promise<Checked>
  readonly fastMsgIdFn?: (message: RawMessage) => string | number
  readonly fastMsgIdCache?: { get(id: string | number): unknown }
}

/** Who is asked before and after a signature is checked. */
export interface Admission {
  /** Whether a message that was not heard before is worth the check; `author` is who it says has signed it. */
  admits(neighbour: string, message: RawMessage, author: string): boolean
  /** Whether whatever checks the signature of a message says of it what every other platform says. */
  isPlain(message: RawMessage): boolean
  /** Whether a neighbour that was banned while its message waited is heard no more. */
  isBanned(neighbour: string): boolean
  /** A neighbour has handed over a message that nobody has signed. */
  blame(neighbour: string, fault: string): void
}

/**
 * Asks before gossipsub checks a signature, which takes a hundred times as long as asking: it checks first
 * and asks its validators afterwards, so that a neighbour who floods had every message of his checked. What
 * is not admitted leaves no trace in gossipsub: the same message counts when another neighbour brings it.
 * Of what platforms may judge differently all refuse the same: otherwise some would blame others for passing it on.
 * What is admitted is checked in `turns`, each neighbour's for itself.
 * @returns ends it.
 */
export function askBeforeChecking(
  gossip: Receiving,
  admission: Admission,
  turns: Turns,
): () => void {
  const { handleReceivedMessage, validateReceivedMessage } = gossip
  const isKnown = (message: RawMessage) => {
    const id = gossip.fastMsgIdFn?.(message)
    return id !== undefined && gossip.fastMsgIdCache?.get(id) !== undefined
  }
  Object.assign(gossip, {
    async handleReceivedMessage(neighbour: Neighbour, message: RawMessage) {
      const whose = neighbour.toString()
      if (isKnown(message)) return handleReceivedMessage.call(gossip, neighbour, message)
      const author = message.from && peerIdOfMultihash(message.from)
      if (author === undefined) return admission.blame(whose, 'it is of nobody who can sign')
      if (!admission.admits(whose, message, author)) return
      await turns.run(whose, async () => {
        if (!admission.isBanned(whose)) await handleReceivedMessage.call(gossip, neighbour, message)
      })
    },
    async validateReceivedMessage(neighbour: Neighbour, message: RawMessage) {
      const checked = admission.isPlain(message)
        ? await validateReceivedMessage.call(gossip, neighbour, message)
        : UNSIGNED
      if (checked.code === INVALID && checked.msgIdStr === undefined)
        admission.blame(neighbour.toString(), 'nobody has signed it')
      return checked
    },
  })
  return () => Object.assign(gossip, { handleReceivedMessage, validateReceivedMessage })
}

const INVALID = 'invalid'

/** As gossipsub says it of a message that its author has not signed. */
const UNSIGNED: Checked = Object.freeze({
  code: INVALID,
  reason: 'error',
  error: 'invalid_signature',
})

/** What tells a message from all others before its signature is checked: its author, and the author's number. */
export function gossipNumber({ from, seqno }: Pick<RawMessage, 'from' | 'seqno'>): string {
  return characters(from) + characters(seqno)
}

/** Bytes as text, one character each. */
function characters(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : String.fromCharCode(...bytes)
}
