import type { Neighbour } from './admission.ts'

/** What one frame of gossip carries beside messages: who wants to hear what, and from whom. */
interface Control {
  readonly ihave?: readonly unknown[]
  readonly iwant?: readonly unknown[]
  readonly graft?: readonly unknown[]
  readonly prune?: readonly unknown[]
  readonly idontwant?: readonly unknown[]
}

/** One frame of gossip. */
export interface Rpc {
  readonly subscriptions: readonly unknown[]
  readonly messages: readonly unknown[]
  readonly control?: Control
}

/** What of gossipsub (17.1) stands between its streams and what it does with frames; its types do not name it. */
export interface RpcReceiving {
  /** @throws Error for what is no frame, or one of more parts than `decodeRpcLimits` allows. */
  decodeRpc(bytes: Uint8Array): Rpc
  handleReceivedRpc(neighbour: Neighbour, rpc: Rpc): Promise<void>
}

/** Who is asked about the frames of neighbours. */
export interface RpcBounds {
  /** Whether a neighbour may say so many parts of control more. */
  heeds(neighbour: string, parts: number): boolean
  /** A neighbour has sent what no honest one sends. */
  blame(neighbour: string, fault: string): void
}

/** Stands for a frame that cannot be read, until it is known whose it is. */
const UNREADABLE: Rpc = Object.freeze({ subscriptions: [], messages: [] })

/**
 * Counts the control of gossip, of which gossipsub handles each part however many there are: a GRAFT that it answers
 * with a PRUNE takes it 0.24 ms, as long as checking a signature. What is beyond is not heeded, and blamed on its
 * neighbour, and so is what cannot be read; messages are counted elsewhere (admission.ts).
 * @returns ends it.
 */
export function boundRpcs(gossip: RpcReceiving, { heeds, blame }: RpcBounds): () => void {
  const { decodeRpc, handleReceivedRpc } = gossip
  Object.assign(gossip, {
    decodeRpc(bytes: Uint8Array): Rpc {
      try {
        return decodeRpc.call(gossip, bytes)
      } catch {
        return UNREADABLE
      }
    },
    async handleReceivedRpc(neighbour: Neighbour, rpc: Rpc) {
      const whose = neighbour.toString()
      if (rpc === UNREADABLE) return blame(whose, 'gossip that cannot be read')
      const parts = partsOf(rpc)
      if (parts === 0 || heeds(whose, parts)) return handleReceivedRpc.call(gossip, neighbour, rpc)
      blame(whose, 'more control of gossip than anybody needs')
      const { subscriptions, messages } = rpc
      await handleReceivedRpc.call(gossip, neighbour, { subscriptions, messages })
    },
  })
  return () => Object.assign(gossip, { decodeRpc, handleReceivedRpc })
}

function partsOf({ control = {} }: Rpc): number {
  const { ihave, iwant, graft, prune, idontwant } = control
  return [ihave, iwant, graft, prune, idontwant].reduce((sum, all) => sum + (all?.length ?? 0), 0)
}
