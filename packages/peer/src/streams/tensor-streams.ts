import {
  ACTIVATION_BYTES_MAX,
  type AccessSpeed,
  HASH_BYTES,
  type HeldActivation,
  PUSH_BYTES_PER_MS,
  PUSH_PATIENCE_MS,
  TENSOR_TIMEOUT_MS,
  type TensorHash,
} from '@layerswarm/swarm'
import { hashOf } from '#digest'
import { pause } from '../deadline.ts'
import {
  TENSOR_BYTES_PER_SECOND,
  TENSOR_REQUESTS_PER_SECOND,
  TENSOR_STREAMS_PER_PEER_MAX,
  TENSORS_HELD_BYTES_MAX,
} from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { type AccessMeter, createAccessMeter } from './access-meter.ts'
import { createExchange, type Exchange, type ExchangeProtocol } from './exchange.ts'
import { hexBytes, hexText } from './hex.ts'
import { createPushStreams } from './push-streams.ts'
import { PushedTensors } from './pushed-tensors.ts'

/** Question: a tensor's SHA-256, 32 bytes. Answer: its bytes. */
export const TENSOR_PROTOCOL: ExchangeProtocol = Object.freeze({
  id: '/layerswarm/tensor/1',
  requestBytesMax: HASH_BYTES,
  responseBytesMax: ACTIVATION_BYTES_MAX,
  requestsPerSecond: TENSOR_REQUESTS_PER_SECOND,
  bytesPerSecond: TENSOR_BYTES_PER_SECOND,
  streamsPerPeerMax: TENSOR_STREAMS_PER_PEER_MAX,
  timeoutMs: TENSOR_TIMEOUT_MS,
})

/** Activations that are too large for a gossip message: kept for others, fetched from them, pushed. */
export interface TensorStreams {
  start(): Promise<void>
  stop(): Promise<void>
  /** Keeps a tensor until it is withdrawn; undefined when there is no room. The bytes must not change. */
  offer(bytes: Uint8Array): Promise<TensorHash | undefined>
  /** Ends one offer; a tensor offered twice stays until it is withdrawn twice. */
  withdraw(hash: TensorHash): void
  /** Sends an offered tensor to a peer that has not asked for it; best effort, never throws. */
  push(hash: TensorHash, peer: string): void
  /**
   * A tensor that was pushed here, or that its holder gives when it is asked; undefined on any
   * failure, a wrong size or hash included.
   * @param isAwaited it is to be pushed: its holder is asked only after PUSH_PATIENCE_MS and its bytes
   * at PUSH_BYTES_PER_MS. A push that comes while it is asked counts as well.
   */
  pull(
    tensor: HeldActivation,
    isAwaited: boolean,
    signal?: AbortSignal,
  ): Promise<Uint8Array | undefined>
  /** As measured from the tensors that were pulled and pushed (access-meter.ts). */
  accessSpeed(): AccessSpeed
  /** Of offered tensors. */
  readonly heldBytes: number
  /** Of tensors that came without being asked for. */
  readonly pushedBytes: number
  /** Of tensors that were asked for and of those that were not. */
  readonly bytes: Exchange['bytes']
}

/** How much is held for others, and how they are reached. */
export interface TensorStreamsOptions {
  /** Of offered and of pushed tensors together. */
  heldBytesMax: number
  protocol: ExchangeProtocol
  /** Makes a direct connection to a peer that has none, where that is possible. */
  reach(peer: string, signal: AbortSignal | undefined): Promise<void>
  /** There and back of a small message, milliseconds; undefined while it is not measured. */
  rttMs(peer: string): number | undefined
}

/** The limits of a peer; only peers that are connected are asked, and how far they are is not known. */
export const TENSOR_STREAMS_DEFAULTS: TensorStreamsOptions = Object.freeze({
  heldBytesMax: TENSORS_HELD_BYTES_MAX,
  protocol: TENSOR_PROTOCOL,
  reach: async () => undefined,
  rttMs: () => undefined,
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
  const all = { ...TENSOR_STREAMS_DEFAULTS, ...options }
  const { protocol, rttMs } = all
  const offered = new OfferedTensors(all.heldBytesMax, protocol.responseBytesMax)
  const meter = createAccessMeter()
  const pushed = new PushedTensors(() => offered.freeBytes)
  const pushes = createPushStreams({
    ...{ node, pushed, meter, rttMs },
    bytesPerSecond: protocol.bytesPerSecond,
  })
  const exchange = createExchange(node, protocol, async (request) => offered.get(hexText(request)))
  const puller = new Puller({ ...all, pushed, meter, exchange })
  return {
    get heldBytes() {
      return offered.bytes
    },
    get pushedBytes() {
      return pushed.bytes
    },
    get bytes() {
      const [asked, sent] = [exchange.bytes, pushes.bytes]
      return {
        in: asked.in + sent.in,
        out: asked.out + sent.out,
        overRelay: asked.overRelay + sent.overRelay,
      }
    },
    async start() {
      await Promise.all([exchange.start(), pushes.start()])
    },
    async stop() {
      offered.clear()
      pushed.clear()
      await Promise.all([exchange.stop(), pushes.stop()])
    },
    async offer(bytes) {
      const hash = await offered.add(bytes)
      pushed.shrink()
      return hash
    },
    withdraw: (hash) => offered.withdraw(hash),
    push(hash, peer) {
      const bytes = offered.get(hash)
      if (bytes !== undefined) pushes.push(peer, hash, bytes)
    },
    async pull(tensor, isAwaited, signal) {
      if (tensor.holder === node.peerId.toString()) return offered.get(tensor.hash)
      return puller.pull(tensor, isAwaited, signal)
    },
    accessSpeed: meter.speed,
  }
}

/** Tensors that this peer keeps for others to pull. */
class OfferedTensors {
  private readonly bytesMax: number
  private readonly tensorBytesMax: number
  private readonly held = new Map<string, { bytes: Uint8Array; offers: number }>()
  private heldBytes = 0

  constructor(bytesMax: number, tensorBytesMax: number) {
    this.bytesMax = bytesMax
    this.tensorBytesMax = tensorBytesMax
  }

  get bytes(): number {
    return this.heldBytes
  }

  get freeBytes(): number {
    return this.bytesMax - this.heldBytes
  }

  get(hash: string): Uint8Array | undefined {
    return this.held.get(hash)?.bytes
  }

  async add(bytes: Uint8Array): Promise<TensorHash | undefined> {
    const fits = () => bytes.length <= this.tensorBytesMax && bytes.length <= this.freeBytes
    if (!fits()) return undefined
    const hash = tensorHash(await hashOf(bytes))
    const known = this.held.get(hash)
    if (known !== undefined) {
      known.offers++
      return hash
    }
    if (!fits()) return undefined
    this.held.set(hash, { bytes, offers: 1 })
    this.heldBytes += bytes.length
    return hash
  }

  withdraw(hash: TensorHash): void {
    const known = this.held.get(hash)
    if (known === undefined || --known.offers > 0) return
    this.held.delete(hash)
    this.heldBytes -= known.bytes.length
  }

  clear(): void {
    this.held.clear()
    this.heldBytes = 0
  }
}

/** What a pull needs. */
interface PullerNeeds extends Pick<TensorStreamsOptions, 'reach' | 'rttMs'> {
  readonly pushed: PushedTensors
  readonly meter: AccessMeter
  readonly exchange: Exchange
}

/** Fetches tensors: what was pushed is here, what is to be pushed is waited for, the rest is asked for. */
class Puller {
  private readonly needs: PullerNeeds

  constructor(needs: PullerNeeds) {
    this.needs = needs
  }

  async pull(
    tensor: HeldActivation,
    isAwaited: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array | undefined> {
    const { pushed } = this.needs
    const { hash, size } = tensor
    const here = pushed.take(hash, size)
    if (here !== undefined || signal?.aborted) return here
    const over = new AbortController()
    const giveUp = () => over.abort(signal?.reason)
    signal?.addEventListener('abort', giveUp, { once: true })
    let endWait = () => {}
    const comes = new Promise<Uint8Array>((resolve) => {
      endWait = pushed.wait(hash, size, resolve)
    })
    try {
      return await Promise.race([comes, this.askLater(tensor, isAwaited, over.signal)])
    } finally {
      endWait()
      signal?.removeEventListener('abort', giveUp)
      over.abort(new Error('the pull is over'))
    }
  }

  /** Asks the holder, after the time that a push may take if one is awaited. */
  private async askLater(
    tensor: HeldActivation,
    isAwaited: boolean,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    if (isAwaited) await pause(PUSH_PATIENCE_MS + tensor.size / PUSH_BYTES_PER_MS, signal)
    return signal.aborted ? undefined : this.ask(tensor, signal)
  }

  private async ask(
    { hash, size, holder }: HeldActivation,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const { reach, rttMs, exchange, meter } = this.needs
    try {
      await reach(holder, signal)
      const startMs = performance.now()
      const bytes = await exchange.ask(holder, hexBytes(hash), signal)
      if (bytes?.length !== size) return undefined
      meter.received({ bytes: size, ms: performance.now() - startMs, rttMs: rttMs(holder) })
      return tensorHash(await hashOf(bytes)) === hash ? bytes : undefined
    } catch {
      // Whatever broke, the claim protocol's answer is the same: somebody offers it again.
      return undefined
    }
  }
}
