import {
  ACTIVATION_BYTES_MAX,
  createQuota,
  HASH_BYTES,
  PEERS_MAX,
  type Quota,
  TENSOR_TIMEOUT_MS,
  type TensorHash,
} from '@layerswarm/swarm'
import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import { hashOf } from '#digest'
import { within } from '../deadline.ts'
import {
  PUSH_HEADER_BYTES,
  PUSHES_WAITING_PER_PEER_MAX,
  TENSOR_REQUESTS_PER_SECOND,
  TENSOR_STREAMS_PER_PEER_MAX,
} from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { isDirect } from '../node/peer-connections.ts'
import type { AccessMeter } from './access-meter.ts'
import { hexBytes, hexText } from './hex.ts'
import {
  abortAfter,
  asError,
  createLines,
  framesOf,
  isReachable,
  type Line,
  type Lines,
} from './lines.ts'
import type { Arrival, PushedTensors } from './pushed-tensors.ts'

/**
 * A tensor that was not asked for: a frame with its SHA-256 (32 bytes) and its size (4 bytes,
 * little-endian), a frame with its bytes; the receiver answers with one byte when all are there.
 */
export const PUSH_PROTOCOL = '/layerswarm/push/1'

/** It is all here: the sender may send the next one, and knows how long this one took. */
const HERE = Uint8Array.of(1)

/** Sends tensors to peers that have not asked for them, and takes what others send. */
export interface PushStreams {
  start(): Promise<void>
  stop(): Promise<void>
  /** Sends a tensor; best effort, never throws. Nothing happens without a direct connection. */
  push(peer: string, hash: TensorHash, bytes: Uint8Array): void
  /** Bytes of tensors. `overRelay` counts any of them that crossed a limited connection: none may. */
  readonly bytes: { readonly in: number; readonly out: number; readonly overRelay: number }
}

/** Where what comes is kept, and what is learned from it. */
export interface PushNeeds {
  readonly node: SwarmNode
  readonly pushed: PushedTensors
  readonly meter: AccessMeter
  /** There and back of a small message, milliseconds; undefined while it is not measured. */
  rttMs(peer: string): number | undefined
  /** What one peer may push here. A second of it comes at once. */
  readonly bytesPerSecond: number
}

/**
 * 1. A stream carries one tensor at a time; a pair has as many as a pull has. At most
 *    PUSHES_WAITING_PER_PEER_MAX wait for one of them, and what is pushed beyond is not sent.
 * 2. A tensor is read when there is room for it, within TENSOR_TIMEOUT_MS, from a peer within its
 *    rates of tensors and of bytes; otherwise its stream is aborted. What has another size or hash than
 *    promised is dropped, and of what is longer than promised nothing is read: what is held for a stream is no
 *    more than there was room for.
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
      const handle: StreamHandler = (stream, connection) => receiver.handle(stream, connection)
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

/** What others push here. */
class Receiver {
  bytesIn = 0
  private readonly inbound = new Set<Stream>()
  private readonly needs: PushNeeds
  private readonly stopped: AbortSignal
  private readonly quota = createQuota({
    perSecond: TENSOR_REQUESTS_PER_SECOND,
    burst: TENSOR_REQUESTS_PER_SECOND,
    namesMax: PEERS_MAX,
  })

  private readonly bytes: Quota

  constructor(needs: PushNeeds, stopped: AbortSignal) {
    const { bytesPerSecond } = needs
    this.needs = needs
    this.stopped = stopped
    this.bytes = createQuota({
      perSecond: bytesPerSecond,
      burst: bytesPerSecond,
      namesMax: PEERS_MAX,
    })
  }

  handle(stream: Stream, connection: Connection): void {
    this.inbound.add(stream)
    stream.addEventListener('close', () => this.inbound.delete(stream), { once: true })
    this.takeAll(stream, connection).catch((error: unknown) => stream.abort(asError(error)))
  }

  close(): void {
    for (const stream of this.inbound) stream.abort(new Error('the peer stopped'))
    this.inbound.clear()
  }

  private async takeAll(stream: Stream, connection: Connection): Promise<void> {
    if (!isDirect(connection)) throw new Error(`${PUSH_PROTOCOL} needs a direct connection`)
    const peer = connection.remotePeer.toString()
    let longest = PUSH_HEADER_BYTES
    const frames = framesOf(stream, ACTIVATION_BYTES_MAX, undefined, () => longest)
    for (;;) {
      longest = PUSH_HEADER_BYTES
      const { hash, size } = readHeader((await frames.read()).slice())
      longest = size
      if (!this.quota.take(peer, performance.now())) throw new Error('too many tensors')
      if (!this.bytes.take(peer, performance.now(), size)) throw new Error('too many bytes')
      const arrival = this.needs.pushed.expect(peer, size)
      if (arrival === undefined) throw new Error('no room for a tensor')
      const endWait = abortAfter(TENSOR_TIMEOUT_MS, stream)
      try {
        await this.takeOne(frames, arrival, hash, size)
      } finally {
        endWait()
        arrival.drop()
      }
    }
  }

  private async takeOne(
    frames: Line['frames'],
    arrival: Arrival,
    hash: TensorHash,
    size: number,
  ): Promise<void> {
    const startMs = performance.now()
    const bytes = (await frames.read()).slice()
    if (bytes.length !== size) throw new Error('a tensor of another size than promised')
    this.bytesIn += size
    // Its first bytes were here already, so no part of this is the way.
    this.needs.meter.received({ bytes: size, ms: performance.now() - startMs, rttMs: 0 })
    const [found] = await Promise.all([hashOf(bytes), frames.write(HERE)])
    if (found !== (hash as string)) throw new Error('a tensor of another hash than promised')
    if (!this.stopped.aborted) arrival.keep(hash, bytes)
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

/** @throws Error for anything but a header of a tensor that an activation may be. */
function readHeader(header: Uint8Array): { hash: TensorHash; size: number } {
  if (header.length !== PUSH_HEADER_BYTES) throw new Error(`a header of ${header.length} bytes`)
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength)
  const size = view.getUint32(HASH_BYTES, true)
  if (size === 0 || size > ACTIVATION_BYTES_MAX) throw new Error(`a tensor of ${size} bytes`)
  return { hash: hexText(header.subarray(0, HASH_BYTES)) as TensorHash, size }
}
