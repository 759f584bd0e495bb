import {
  ACTIVATION_BYTES_MAX,
  createQuota,
  HASH_BYTES,
  PEERS_MAX,
  type Quota,
  TENSOR_TIMEOUT_MS,
  type TensorHash,
} from '@layerswarm/swarm'
import type { Stream } from '@libp2p/interface'
import { hashOf } from '#digest'
import { PUSH_HEADER_BYTES, TENSOR_REQUESTS_PER_SECOND } from '../limits.ts'
import type { AccessMeter } from './access-meter.ts'
import { hexText } from './hex.ts'
import { abortAfter, asError, lengthOf } from './lines.ts'
import type { Arrival, PushedTensors } from './pushed-tensors.ts'

/** It is all here: the sender may send the next one, and knows how long this one took. */
export const HERE = Uint8Array.of(1)
/** That as a frame. */
const HERE_FRAME = Uint8Array.of(HERE.length, ...HERE)

/** Where what comes is kept, and what is learned from it. */
export interface ReceiverNeeds {
  readonly pushed: PushedTensors
  readonly meter: AccessMeter
  /** What one peer may push here. A second of it comes at once. */
  readonly bytesPerSecond: number
}

/** What others push here. */
export class Receiver {
  bytesIn = 0
  readonly needs: ReceiverNeeds
  readonly stopped: AbortSignal
  private readonly inbound = new Set<Stream>()
  private readonly bytes: Quota
  private readonly quota = createQuota({
    perSecond: TENSOR_REQUESTS_PER_SECOND,
    burst: TENSOR_REQUESTS_PER_SECOND,
    namesMax: PEERS_MAX,
  })

  constructor(needs: ReceiverNeeds, stopped: AbortSignal) {
    const { bytesPerSecond } = needs
    this.needs = needs
    this.stopped = stopped
    this.bytes = createQuota({
      perSecond: bytesPerSecond,
      burst: bytesPerSecond,
      namesMax: PEERS_MAX,
    })
  }

  handle(stream: Stream, peer: string): void {
    if (stream.status !== 'open') return
    this.inbound.add(stream)
    const inlet = new Inlet(stream, peer, this)
    stream.addEventListener('close', () => this.inbound.delete(stream), { once: true })
    inlet.open()
  }

  close(): void {
    for (const stream of this.inbound) stream.abort(new Error('the peer stopped'))
    this.inbound.clear()
  }

  /** A tensor of so many bytes was announced. @throws Error when its peer has sent too much already. */
  admit(peer: string, size: number): void {
    if (!this.quota.take(peer, performance.now())) throw new Error('too many tensors')
    if (!this.bytes.take(peer, performance.now(), size)) throw new Error('too many bytes')
  }

  /** A tensor is all here, after so long. */
  received(bytes: number, ms: number): void {
    this.bytesIn += bytes
    // Its first bytes were here already, so no part of this is the way.
    this.needs.meter.received({ bytes, ms, rttMs: 0 })
  }
}

/** A tensor that was announced on a stream. */
interface Coming {
  readonly hash: TensorHash
  readonly size: number
  readonly sinceMs: number
  readonly arrival: Arrival
  endWait(): void
}

/**
 * Reads the tensors of one stream.
 *
 * 1. Every byte is taken in the turn in which it comes, copied to where it counts and to nowhere else: nothing waits
 *    unread, and no piece keeps the larger buffer of the network alive of which it is a view.
 * 2. Whatever is wrong ends the stream: nothing is read after that, and what had come of a tensor is dropped.
 */
class Inlet {
  private readonly stream: Stream
  private readonly peer: string
  private readonly receiver: Receiver
  private readonly header = new Uint8Array(PUSH_HEADER_BYTES)
  /** Of the length before a frame, the bytes so far. */
  private length: number[] = []
  /** Bytes of the frame that have not come. */
  private left = 0
  private coming: Coming | undefined
  /** One of its tensors is here, and it was told so. */
  private isAnswered = false
  private isOver = false

  constructor(stream: Stream, peer: string, receiver: Receiver) {
    this.stream = stream
    this.peer = peer
    this.receiver = receiver
  }

  open(): void {
    const { stream } = this
    stream.addEventListener('message', ({ data }) => this.take(data))
    stream.addEventListener('close', () => this.end(), { once: true })
    // Whoever pushes waits for HERE before it ends a stream.
    const left = () => this.fail(new Error('the sender ended its stream'))
    stream.addEventListener('remoteCloseWrite', left, { once: true })
    if (stream.remoteWriteStatus === 'closed') left()
  }

  private take(data: Uint8Array | Iterable<Uint8Array>): void {
    try {
      for (const bytes of data instanceof Uint8Array ? [data] : data) this.read(bytes)
    } catch (error) {
      this.fail(asError(error))
    }
  }

  private read(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.isOver; ) {
      const part = bytes.subarray(at, at + Math.max(1, this.left))
      at += part.length
      if (this.left === 0) this.readLength(part)
      else if (this.coming === undefined) this.readHeader(part)
      else this.readTensor(part, this.coming)
    }
  }

  private readLength(part: Uint8Array): void {
    this.length.push(...part)
    const length = lengthOf(this.length)
    if (length === undefined) return
    this.length = []
    if (length !== (this.coming?.size ?? PUSH_HEADER_BYTES))
      throw new Error(`a frame of ${length} bytes, which is not what was due`)
    this.left = length
  }

  private readHeader(part: Uint8Array): void {
    this.header.set(part, PUSH_HEADER_BYTES - this.left)
    this.left -= part.length
    if (this.left > 0) return
    const { peer, stream, receiver } = this
    // It is sent by who has read that the one before is here; what waits for others to read it must not grow.
    if (this.isAnswered && stream.writeBufferLength > 0)
      throw new Error('a sender that reads nothing')
    const { hash, size } = parseHeader(this.header)
    receiver.admit(peer, size)
    const displaced = () => this.fail(new Error('others needed the room of a tensor'))
    this.coming = {
      ...{ hash, size, sinceMs: performance.now() },
      arrival: receiver.needs.pushed.expect(peer, size, displaced),
      endWait: abortAfter(TENSOR_TIMEOUT_MS, stream),
    }
  }

  private readTensor(part: Uint8Array, { arrival }: Coming): void {
    if (!arrival.add(part)) throw new Error('no room for a tensor')
    this.left -= part.length
    if (this.left === 0) this.arrived()
  }

  private arrived(): void {
    const { coming, stream, receiver } = this
    if (coming === undefined) return
    const { arrival, hash, size, sinceMs } = coming
    this.coming = undefined
    coming.endWait()
    const bytes = arrival.whole()
    receiver.received(size, performance.now() - sinceMs)
    check(bytes, hash).then(
      () => (receiver.stopped.aborted ? arrival.drop() : arrival.keep(hash)),
      (error: unknown) => {
        arrival.drop()
        this.fail(asError(error))
      },
    )
    stream.send(HERE_FRAME)
    this.isAnswered = true
  }

  private fail(error: Error): void {
    if (this.isOver) return
    this.end()
    // The event in which it failed is over by then.
    queueMicrotask(() => this.stream.abort(error))
  }

  private end(): void {
    this.isOver = true
    this.coming?.endWait()
    this.coming?.arrival.drop()
    this.coming = undefined
  }
}

/** @throws Error when these are not the bytes of the hash. */
async function check(bytes: Uint8Array, hash: TensorHash): Promise<void> {
  if ((await hashOf(bytes)) !== (hash as string))
    throw new Error('a tensor of another hash than promised')
}

/** @throws Error for anything but a header of a tensor that an activation may be. */
function parseHeader(header: Uint8Array): { hash: TensorHash; size: number } {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength)
  const size = view.getUint32(HASH_BYTES, true)
  if (size === 0 || size > ACTIVATION_BYTES_MAX) throw new Error(`a tensor of ${size} bytes`)
  return { hash: hexText(header.subarray(0, HASH_BYTES)) as TensorHash, size }
}
