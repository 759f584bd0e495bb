import { HASH_BYTES, TENSOR_TIMEOUT_MS, type TensorHash } from '@layerswarm/swarm'
import type { StreamHandler } from '@libp2p/interface'
import { within } from '../deadline.ts'
import {
  PUSH_HEADER_BYTES,
  PUSHES_WAITING_PER_PEER_MAX,
  TENSOR_STREAMS_PER_PEER_MAX,
} from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { isDirect } from '../node/peer-connections.ts'
import { hexBytes } from './hex.ts'
import { createLines, isReachable, type Line, type Lines } from './lines.ts'
import { HERE, Receiver, type ReceiverNeeds } from './push-receiver.ts'

/**
 * A tensor that was not asked for: a frame with its SHA-256 (32 bytes) and its size (4 bytes,
 * little-endian), a frame with its bytes; the receiver answers with one byte when all are there.
 */
export const PUSH_PROTOCOL = '/layerswarm/push/1'

/** Sends tensors to peers that have not asked for them, and takes what others send. */
export interface PushStreams {
  start(): Promise<void>
  stop(): Promise<void>
  /** Sends a tensor; best effort, never throws. Nothing happens without a direct connection. */
  push(peer: string, hash: TensorHash, bytes: Uint8Array): void
  /** Bytes of tensors. `overRelay` counts any of them that crossed a limited connection: none may. */
  readonly bytes: { readonly in: number; readonly out: number; readonly overRelay: number }
}

/** What pushes need of their peer. */
export interface PushNeeds extends ReceiverNeeds {
  readonly node: SwarmNode
  /** There and back of a small message, milliseconds; undefined while it is not measured. */
  rttMs(peer: string): number | undefined
}

/**
 * 1. A stream carries one tensor at a time; a pair has as many as a pull has. At most
 *    PUSHES_WAITING_PER_PEER_MAX wait for one of them, and what is pushed beyond is not sent.
 * 2. A tensor is taken from a peer within its rates of tensors and of bytes, within TENSOR_TIMEOUT_MS, as long as
 *    there is room for the bytes that come (pushed-tensors.ts); otherwise its stream is aborted. One of another size
 *    or hash than promised is dropped, and of what is longer nothing is read.
 * 3. Nothing is pushed or taken over a limited connection.
 */
export function createPushStreams(needs: PushNeeds): PushStreams {
  const { node } = needs
  const stopped = new AbortController()
  const receiver = new Receiver(needs, stopped.signal)
  const sender = new Sender(needs, stopped.signal)
  return {
    get bytes() {
      return { in: receiver.bytesIn, out: sender.bytesOut, overRelay: sender.bytesOverRelay }
    },
    async start() {
      const handle: StreamHandler = (stream, connection) => {
        if (isDirect(connection)) receiver.handle(stream, connection.remotePeer.toString())
        else stream.abort(new Error(`${PUSH_PROTOCOL} needs a direct connection`))
      }
      await node.handle(PUSH_PROTOCOL, handle, {
        maxInboundStreams: TENSOR_STREAMS_PER_PEER_MAX,
        maxOutboundStreams: TENSOR_STREAMS_PER_PEER_MAX,
        runOnLimitedConnection: false,
      })
    },
    async stop() {
      stopped.abort(new Error('the peer stopped'))
      sender.close()
      receiver.close()
      await node.unhandle(PUSH_PROTOCOL)
    },
    push: (peer, hash, bytes) => sender.push(peer, hash, bytes),
  }
}

/** What is pushed to others. */
class Sender {
  bytesOut = 0
  bytesOverRelay = 0
  private readonly needs: PushNeeds
  private readonly stopped: AbortSignal
  private readonly lines: Lines
  /** Pushes that have not ended, by peer. */
  private readonly open = new Map<string, number>()

  constructor(needs: PushNeeds, stopped: AbortSignal) {
    this.needs = needs
    this.stopped = stopped
    this.lines = createLines(needs.node, {
      id: PUSH_PROTOCOL,
      frameBytesMax: HERE.length,
      streamsPerPeerMax: TENSOR_STREAMS_PER_PEER_MAX,
    })
  }

  push(peer: string, hash: TensorHash, bytes: Uint8Array): void {
    if (this.stopped.aborted || !isReachable(this.needs.node, peer)) return
    const before = this.open.get(peer) ?? 0
    if (before >= TENSOR_STREAMS_PER_PEER_MAX + PUSHES_WAITING_PER_PEER_MAX) return
    this.open.set(peer, before + 1)
    // Whatever breaks: who waits for it asks for it.
    const ended = () => this.ended(peer)
    within(TENSOR_TIMEOUT_MS, this.stopped, (signal) =>
      this.lines.use(peer, signal, (line) => this.send(line, peer, hash, bytes, signal)),
    ).then(ended, ended)
  }

  close(): void {
    this.lines.close()
  }

  private async send(
    { frames, isLimited }: Line,
    peer: string,
    hash: TensorHash,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const startMs = performance.now()
    await frames.writeV([headerOf(hash, bytes.length), bytes], { signal })
    this.bytesOut += bytes.length
    if (isLimited) this.bytesOverRelay += bytes.length
    await frames.read({ signal })
    const ms = performance.now() - startMs
    this.needs.meter.sent({ bytes: bytes.length, ms, rttMs: this.needs.rttMs(peer) })
  }

  private ended(peer: string): void {
    const rest = (this.open.get(peer) ?? 1) - 1
    if (rest > 0) this.open.set(peer, rest)
    else this.open.delete(peer)
  }
}

function headerOf(hash: TensorHash, size: number): Uint8Array {
  const header = new Uint8Array(PUSH_HEADER_BYTES)
  header.set(hexBytes(hash))
  new DataView(header.buffer).setUint32(HASH_BYTES, size, true)
  return header
}
