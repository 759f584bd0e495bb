import {
  ACTIVATION_BYTES_MAX,
  HASH_BYTES,
  type HeldActivation,
  TENSOR_TIMEOUT_MS,
  type TensorHash,
} from '@layerswarm/swarm'
import {
  TENSOR_REQUESTS_PER_SECOND,
  TENSOR_STREAMS_PER_PEER_MAX,
  TENSORS_HELD_BYTES_MAX,
} from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { hashOf } from '../store/digest.ts'
import { createExchange, type Exchange, type ExchangeProtocol } from './exchange.ts'
import { hexBytes, hexText } from './hex.ts'

/** Question: a tensor's SHA-256, 32 bytes. Answer: its bytes. */
export const TENSOR_PROTOCOL: ExchangeProtocol = Object.freeze({
  id: '/layerswarm/tensor/1',
  requestBytesMax: HASH_BYTES,
  responseBytesMax: ACTIVATION_BYTES_MAX,
  requestsPerSecond: TENSOR_REQUESTS_PER_SECOND,
  streamsPerPeerMax: TENSOR_STREAMS_PER_PEER_MAX,
  timeoutMs: TENSOR_TIMEOUT_MS,
})

/** Activations that are too large for a gossip message: kept for others, and fetched from them. */
export interface TensorStreams {
  start(): Promise<void>
  stop(): Promise<void>
  /** Keeps a tensor until it is withdrawn; undefined when there is no room. The bytes must not change. */
  offer(bytes: Uint8Array): Promise<TensorHash | undefined>
  /** Ends one offer; a tensor offered twice stays until it is withdrawn twice. */
  withdraw(hash: TensorHash): void
  /** Fetches a tensor from its holder; undefined on any failure, a wrong size or hash included. */
  pull(tensor: HeldActivation, signal?: AbortSignal): Promise<Uint8Array | undefined>
  readonly heldBytes: number
  readonly bytes: Exchange['bytes']
}

/** How much is held for others, and how they are reached. */
export interface TensorStreamsOptions {
  heldBytesMax: number
  protocol: ExchangeProtocol
  /** Makes a direct connection to a peer that has none, where that is possible. */
  reach(peer: string, signal: AbortSignal | undefined): Promise<void>
}

/** The limits of a peer; only peers that are connected are asked. */
export const TENSOR_STREAMS_DEFAULTS: TensorStreamsOptions = Object.freeze({
  heldBytesMax: TENSORS_HELD_BYTES_MAX,
  protocol: TENSOR_PROTOCOL,
  reach: async () => undefined,
})

/** A tensor's hash is the SHA-256 of its bytes, under a name of its own on the wire. */
function tensorHash(sha256: string): TensorHash {
  return sha256 as TensorHash
}

/** Holds no tensor yet, and answers nobody before `start`. */
export function createTensorStreams(
  node: SwarmNode,
  options: Partial<TensorStreamsOptions> = {},
): TensorStreams {
  const { heldBytesMax, protocol, reach } = { ...TENSOR_STREAMS_DEFAULTS, ...options }
  const held = new Map<string, { bytes: Uint8Array; offers: number }>()
  let heldBytes = 0
  const exchange = createExchange(
    node,
    protocol,
    async (request) => held.get(hexText(request))?.bytes,
  )

  return {
    start: exchange.start,
    bytes: exchange.bytes,
    get heldBytes() {
      return heldBytes
    },
    async stop() {
      held.clear()
      heldBytes = 0
      await exchange.stop()
    },
    async offer(bytes) {
      const fits = () =>
        bytes.length <= protocol.responseBytesMax && heldBytes + bytes.length <= heldBytesMax
      if (!fits()) return undefined
      const hash = tensorHash(await hashOf(bytes))
      const known = held.get(hash)
      if (known !== undefined) {
        known.offers++
        return hash
      }
      if (!fits()) return undefined
      held.set(hash, { bytes, offers: 1 })
      heldBytes += bytes.length
      return hash
    },
    withdraw(hash) {
      const known = held.get(hash)
      if (known === undefined || --known.offers > 0) return
      held.delete(hash)
      heldBytes -= known.bytes.length
    },
    async pull({ hash, size, holder }, signal) {
      if (holder === node.peerId.toString()) return held.get(hash)?.bytes
      try {
        await reach(holder, signal)
        const bytes = await exchange.ask(holder, hexBytes(hash), signal)
        if (bytes?.length !== size) return undefined
        return tensorHash(await hashOf(bytes)) === hash ? bytes : undefined
      } catch {
        // Whatever broke, the claim protocol's answer is the same: somebody offers it again.
        return undefined
      }
    },
  }
}
