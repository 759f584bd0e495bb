import {
  ACTIVATION_BYTES_MAX,
  createQuota,
  HASH_BYTES,
  PEERS_MAX,
  TENSOR_TIMEOUT_MS,
  type TensorHash,
} from '@layerswarm/swarm'
import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import { within } from '../deadline.ts'
import {
  PUSH_HEADER_BYTES,
  PUSHES_WAITING_PER_PEER_MAX,
  TENSOR_REQUESTS_PER_SECOND,
  TENSOR_STREAMS_PER_PEER_MAX,
} from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { isDirect } from '../node/peer-connections.ts'
import { hashOf } from '../store/digest.ts'
import type { AccessMeter } from './access-meter.ts'
import { hexBytes, hexText } from './hex.ts'
import { asError, createLines, framesOf, isReachable, type Line } from './lines.ts'
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
}

/**
 * 1. A stream carries one tensor at a time; a pair has as many as a pull has. At most
 *    PUSHES_WAITING_PER_PEER_MAX wait for one of them, and what is pushed beyond is not sent.
 * 2. A tensor is read when there is room for it, within TENSOR_TIMEOUT_MS, from a peer within its
 *    rate; otherwise its stream is aborted. What has another size or hash than promised is dropped.
 * 3. Nothing is pushed or taken over a limited connection.
 */
export function createPushStreams({ node, pushed, meter, rttMs }: PushNeeds): PushStreams {
  const bytes = { in: 0, out: 0, overRelay: 0 }
  const inbound = new Set<Stream>()
  const waiting = new Map<string, number>()
  const stopped = new AbortController()
  const lines = createLines(node, {
    id: PUSH_PROTOCOL,
    frameBytesMax: HERE.length,
    streamsPerPeerMax: TENSOR_STREAMS_PER_PEER_MAX,
  })
  const quota = createQuota({
    perSecond: TENSOR_REQUESTS_PER_SECOND,
    burst: TENSOR_REQUESTS_PER_SECOND,
    namesMax: PEERS_MAX,
  })

  const handle: StreamHandler = (stream, connection) => {
    inbound.add(stream)
    stream.addEventListener('close', () => inbound.delete(stream), { once: true })
    takeAll(stream, connection).catch((error: unknown) => stream.abort(asError(error)))
  }

  async function takeAll(stream: Stream, connection: Connection): Promise<void> {
    if (!isDirect(connection)) throw new Error(`${PUSH_PROTOCOL} needs a direct connection`)
    const peer = connection.remotePeer.toString()
    const frames = framesOf(stream, ACTIVATION_BYTES_MAX)
    for (;;) {
      const { hash, size } = readHeader((await frames.read()).slice())
      if (!quota.take(peer, performance.now())) throw new Error('too many tensors')
      const arrival = pushed.expect(peer, size)
      if (arrival === undefined) throw new Error('no room for a tensor')
      try {
        await takeOne(frames, arrival, hash, size)
      } finally {
        arrival.drop()
      }
    }
  }

  async function takeOne(
    frames: Line['frames'],
    arrival: Arrival,
    hash: TensorHash,
    size: number,
  ): Promise<void> {
    const startMs = performance.now()
    const tensor = await within(TENSOR_TIMEOUT_MS, stopped.signal, async (signal) =>
      (await frames.read({ signal })).slice(),
    )
    // Its first bytes were here already, so no part of this is the way.
    meter.received({ bytes: size, ms: performance.now() - startMs, rttMs: 0 })
    bytes.in += tensor.length
    if (tensor.length !== size) throw new Error('a tensor of another size than promised')
    await within(TENSOR_TIMEOUT_MS, stopped.signal, (signal) => frames.write(HERE, { signal }))
    if ((await hashOf(tensor)) !== (hash as string))
      throw new Error('a tensor of another hash than promised')
    if (!stopped.signal.aborted) arrival.keep(hash, tensor)
  }

  async function send(
    { frames, isLimited }: Line,
    peer: string,
    hash: TensorHash,
    tensor: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const startMs = performance.now()
    await frames.writeV([headerOf(hash, tensor.length), tensor], { signal })
    bytes.out += tensor.length
    if (isLimited) bytes.overRelay += tensor.length
    await frames.read({ signal })
    meter.sent({ bytes: tensor.length, ms: performance.now() - startMs, rttMs: rttMs(peer) })
  }

  function ended(peer: string): void {
    const rest = (waiting.get(peer) ?? 1) - 1
    if (rest > 0) waiting.set(peer, rest)
    else waiting.delete(peer)
  }

  return {
    bytes,
    async start() {
      await node.handle(PUSH_PROTOCOL, handle, {
        maxInboundStreams: TENSOR_STREAMS_PER_PEER_MAX,
        maxOutboundStreams: TENSOR_STREAMS_PER_PEER_MAX,
        runOnLimitedConnection: false,
      })
    },
    async stop() {
      stopped.abort(new Error('the peer stopped'))
      lines.close()
      for (const stream of inbound) stream.abort(new Error('the peer stopped'))
      inbound.clear()
      await node.unhandle(PUSH_PROTOCOL)
    },
    push(peer, hash, tensor) {
      if (stopped.signal.aborted || !isReachable(node, peer)) return
      const before = waiting.get(peer) ?? 0
      if (before >= TENSOR_STREAMS_PER_PEER_MAX + PUSHES_WAITING_PER_PEER_MAX) return
      waiting.set(peer, before + 1)
      within(TENSOR_TIMEOUT_MS, stopped.signal, (signal) =>
        lines.use(peer, signal, (line) => send(line, peer, hash, tensor, signal)),
      ).then(
        () => ended(peer),
        // Whatever broke: who waits for it asks for it.
        () => ended(peer),
      )
    },
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
