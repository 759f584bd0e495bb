import {
  ACTIVATION_BYTES_MAX,
  HASH_BYTES,
  type HeldActivation,
  type TensorHash,
} from '@layerswarm/swarm'
import { hashOf } from '../store/digest.ts'
import { within } from './deadline.ts'
import { createExchange, type Exchange, type ExchangeProtocol } from './exchange.ts'
import { hexBytes, hexText } from './hex.ts'
import type { SwarmNode } from './libp2p-config.ts'
import {
  HANDED_BYTES_MAX,
  HANDED_MAX,
  TENSOR_ANSWER_MS,
  TENSOR_BYTES_PER_MS,
  TENSOR_REQUESTS_PER_SECOND,
  TENSOR_STREAMS_PER_PEER_MAX,
  TENSOR_TIMEOUT_MS,
  TENSORS_HELD_BYTES_MAX,
} from './limits.ts'

/** Question: a tensor's SHA-256, 32 bytes. Answer: its bytes. */
export const TENSOR_PROTOCOL: ExchangeProtocol = Object.freeze({
  id: '/layerswarm/tensor/1',
  requestBytesMax: HASH_BYTES,
  responseBytesMax: ACTIVATION_BYTES_MAX,
  requestsPerSecond: TENSOR_REQUESTS_PER_SECOND,
  streamsPerPeerMax: TENSOR_STREAMS_PER_PEER_MAX,
  timeoutMs: TENSOR_TIMEOUT_MS,
})

/** Statement: a tensor's bytes, before anybody asks for them. Answer: none. */
export const PUSH_PROTOCOL: ExchangeProtocol = Object.freeze({
  id: '/layerswarm/push/1',
  requestBytesMax: ACTIVATION_BYTES_MAX,
  responseBytesMax: 1,
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
  /** Sends an offered tensor to a peer before it asks; best effort, over a direct connection that is there. */
  push(hash: TensorHash, to: string): void
  /** Tells about every tensor that somebody sent here unasked. */
  onHanded(listener: (hash: TensorHash) => void): void
  /**
   * Fetches a tensor from its holder, or takes the one that was sent here before; undefined on any
   * failure, a wrong size or hash included.
   */
  pull(tensor: HeldActivation, signal?: AbortSignal): Promise<Uint8Array | undefined>
  readonly heldBytes: number
  /** Payload bytes, whichever side began. */
  readonly bytes: Exchange['bytes']
}

export interface TensorStreamsOptions {
  heldBytesMax: number
  handedBytesMax: number
  protocol: ExchangeProtocol
  /** Makes a direct connection to a peer that has none, where that is possible. */
  reach(peer: string, signal: AbortSignal | undefined): Promise<void>
}

export const TENSOR_STREAMS_DEFAULTS: TensorStreamsOptions = Object.freeze({
  heldBytesMax: TENSORS_HELD_BYTES_MAX,
  handedBytesMax: HANDED_BYTES_MAX,
  protocol: TENSOR_PROTOCOL,
  reach: async () => undefined,
})

/** A tensor's hash is the SHA-256 of its bytes, under a name of its own on the wire. */
function tensorHash(sha256: string): TensorHash {
  return sha256 as TensorHash
}

export function createTensorStreams(
  node: SwarmNode,
  options: Partial<TensorStreamsOptions> = {},
): TensorStreams {
  const { heldBytesMax, handedBytesMax, protocol, reach } = {
    ...TENSOR_STREAMS_DEFAULTS,
    ...options,
  }
  const held = new Map<string, { bytes: Uint8Array; offers: number }>()
  let heldBytes = 0
  const exchange = createExchange(
    node,
    protocol,
    async (request) => held.get(hexText(request))?.bytes,
  )
  const sent = createPushes(node, handedBytesMax)

  return {
    async start() {
      await exchange.start()
      await sent.start()
    },
    get bytes() {
      const { in: received, out, overRelay } = exchange.bytes
      return { in: received + sent.bytes.in, out: out + sent.bytes.out, overRelay }
    },
    get heldBytes() {
      return heldBytes
    },
    async stop() {
      held.clear()
      heldBytes = 0
      await exchange.stop()
      await sent.stop()
    },
    push(hash, to) {
      const bytes = held.get(hash)?.bytes
      if (bytes !== undefined) sent.push(bytes, to)
    },
    onHanded: sent.onHanded,
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
      const asked = async () => {
        await reach(holder, signal)
        const answerMs = TENSOR_ANSWER_MS + size / TENSOR_BYTES_PER_MS
        const ask = (bounded: AbortSignal) => exchange.ask(holder, hexBytes(hash), bounded)
        const bytes = await within(answerMs, signal, ask)
        return bytes !== undefined && tensorHash(await hashOf(bytes)) === hash ? bytes : undefined
      }
      try {
        const bytes = sent.take(hash) ?? (await sent.unlessHanded(hash, asked))
        return bytes?.length === size ? bytes : undefined
      } catch {
        // Whatever broke, the claim protocol's answer is the same: somebody offers it again.
        return undefined
      }
    },
  }
}

/** Tensors that travel without being asked for. */
function createPushes(node: SwarmNode, handedBytesMax: number) {
  const handed = createHanded(handedBytesMax)
  const bytes = { in: 0, out: 0 }
  const awaited = new Set<(hash: TensorHash) => void>()
  let tell: (hash: TensorHash) => void = () => {}
  const exchange = createExchange(node, PUSH_PROTOCOL, async (tensor) => {
    bytes.in += tensor.length
    const hash = tensorHash(await hashOf(tensor))
    handed.keep(hash, tensor)
    for (const arrived of awaited) arrived(hash)
    tell(hash)
    return undefined
  })

  async function send(tensor: Uint8Array, to: string): Promise<void> {
    await exchange.ask(to, tensor)
    bytes.out += tensor.length
  }

  return {
    bytes,
    start: exchange.start,
    async stop() {
      handed.clear()
      await exchange.stop()
    },
    // Whoever was not reached asks for it.
    push: (tensor: Uint8Array, to: string) => void send(tensor, to).catch(() => undefined),
    onHanded(listener: (hash: TensorHash) => void) {
      tell = listener
    },
    take: handed.take,
    /** What `ask` brings, or the tensor itself if it comes sooner: a step may overtake it. */
    unlessHanded(hash: TensorHash, ask: () => Promise<Uint8Array | undefined>) {
      return new Promise<Uint8Array | undefined>((resolve, reject) => {
        const arrived = (one: TensorHash) => {
          if (one === hash) resolve(handed.take(hash))
        }
        awaited.add(arrived)
        ask()
          .then(resolve, reject)
          .finally(() => awaited.delete(arrived))
      })
    },
  }
}

/** Tensors that were sent here unasked, until they are taken; the oldest go when there is no room. */
function createHanded(bytesMax: number) {
  const tensors = new Map<TensorHash, Uint8Array>()
  let bytes = 0
  const take = (hash: TensorHash): Uint8Array | undefined => {
    const tensor = tensors.get(hash)
    if (tensor === undefined) return undefined
    tensors.delete(hash)
    bytes -= tensor.length
    return tensor
  }
  return {
    take,
    keep(hash: TensorHash, tensor: Uint8Array) {
      take(hash)
      if (tensor.length > bytesMax) return
      for (const oldest of tensors.keys()) {
        if (tensors.size < HANDED_MAX && bytes + tensor.length <= bytesMax) break
        take(oldest)
      }
      tensors.set(hash, tensor)
      bytes += tensor.length
    },
    clear() {
      tensors.clear()
      bytes = 0
    },
  }
}
