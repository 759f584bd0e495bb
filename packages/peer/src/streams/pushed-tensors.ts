import { PUSHED_TENSORS_MAX, type TensorHash } from '@layerswarm/swarm'
import { PUSHED_TENSOR_TTL_MS } from '../limits.ts'

/** The place of a tensor that is on its way from a peer. */
export interface Arrival {
  /** It is here, and its hash was checked. */
  keep(hash: TensorHash, bytes: Uint8Array): void
  /** Gives its place back; idempotent, and nothing after `keep`. */
  drop(): void
}

interface Kept {
  readonly peer: string
  readonly bytes: Uint8Array
  readonly untilMs: number
}

interface Wait {
  readonly size: number
  readonly arrived: (bytes: Uint8Array) => void
}

/**
 * Tensors that came without being asked for, until they are pulled.
 *
 * 1. At most PUSHED_TENSORS_MAX are kept, and no more bytes than `bytesMax` allows, those on their
 *    way included. Who has most of that makes room, with its oldest: a flooder displaces its own. One that
 *    has most of it still on its way has nothing to give, and nobody else makes room for it.
 * 2. What is waited for is handed over and not kept; what is taken is kept no longer.
 * 3. What nobody has taken within PUSHED_TENSOR_TTL_MS is dropped.
 */
export class PushedTensors {
  private readonly bytesMax: () => number
  /** Oldest first. */
  private readonly kept = new Map<TensorHash, Kept>()
  /** Bytes of each peer, those on their way included. */
  private readonly bytesOf = new Map<string, number>()
  private readonly waits = new Map<TensorHash, Set<Wait>>()
  private heldBytes = 0
  private timer: ReturnType<typeof setTimeout> | undefined

  /** @param bytesMax what may be kept, asked anew each time. */
  constructor(bytesMax: () => number) {
    this.bytesMax = bytesMax
  }

  /** Bytes kept, those on their way included. */
  get bytes(): number {
    return this.heldBytes
  }

  /** Makes room for so many bytes of a peer; undefined when there cannot be room. */
  expect(peer: string, size: number): Arrival | undefined {
    if (!this.makeRoom(size, 0)) return undefined
    this.count(peer, size)
    let isOpen = true
    const drop = () => {
      if (isOpen) this.count(peer, -size)
      isOpen = false
    }
    return {
      drop,
      keep: (hash, bytes) => {
        drop()
        if (!this.handOver(hash, bytes)) this.keep(peer, hash, bytes)
      },
    }
  }

  /** Gives a tensor that is here, and keeps it no longer; undefined when it is not, or of another size. */
  take(hash: TensorHash, size: number): Uint8Array | undefined {
    const found = this.kept.get(hash)?.bytes
    if (found?.length !== size) return undefined
    this.remove(hash)
    return found
  }

  /** Hands over the tensor once when it comes. Returns what ends the wait. */
  wait(hash: TensorHash, size: number, arrived: (bytes: Uint8Array) => void): () => void {
    const wait = { size, arrived }
    const all = this.waits.get(hash) ?? new Set()
    this.waits.set(hash, all.add(wait))
    return () => {
      all.delete(wait)
      if (all.size === 0 && this.waits.get(hash) === all) this.waits.delete(hash)
    }
  }

  /** Drops what does not fit into `bytesMax` any more. */
  shrink(): void {
    this.makeRoom(0, 0)
  }

  clear(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    for (const hash of [...this.kept.keys()]) this.remove(hash)
    this.waits.clear()
  }

  /** @returns whether somebody waited for it. */
  private handOver(hash: TensorHash, bytes: Uint8Array): boolean {
    const waiting = [...(this.waits.get(hash) ?? [])].filter(({ size }) => size === bytes.length)
    for (const { arrived } of waiting) arrived(bytes)
    return waiting.length > 0
  }

  private keep(peer: string, hash: TensorHash, bytes: Uint8Array): void {
    this.remove(hash)
    if (!this.makeRoom(bytes.length, 1)) return
    this.kept.set(hash, { peer, bytes, untilMs: performance.now() + PUSHED_TENSOR_TTL_MS })
    this.count(peer, bytes.length)
    this.watch()
  }

  private remove(hash: TensorHash): void {
    const found = this.kept.get(hash)
    if (found === undefined) return
    this.count(found.peer, -found.bytes.length)
    this.kept.delete(hash)
  }

  private count(peer: string, bytes: number): void {
    this.heldBytes += bytes
    const left = (this.bytesOf.get(peer) ?? 0) + bytes
    if (left > 0) this.bytesOf.set(peer, left)
    else this.bytesOf.delete(peer)
  }

  /** @returns whether so many bytes and tensors more fit now. */
  private makeRoom(size: number, count: number): boolean {
    while (this.heldBytes + size > this.bytesMax()) {
      const hash = this.oldestOfMost(this.bytesOf)
      if (hash === undefined) return false
      this.remove(hash)
    }
    while (this.kept.size + count > PUSHED_TENSORS_MAX) {
      const counts = new Map<string, number>()
      for (const { peer } of this.kept.values()) counts.set(peer, (counts.get(peer) ?? 0) + 1)
      const hash = this.oldestOfMost(counts)
      if (hash === undefined) return false
      this.remove(hash)
    }
    return true
  }

  /** The oldest tensor of a peer that has most, by what is counted; undefined when none of these is here. */
  private oldestOfMost(byPeer: ReadonlyMap<string, number>): TensorHash | undefined {
    const most = Math.max(0, ...byPeer.values())
    for (const [hash, { peer }] of this.kept) if (byPeer.get(peer) === most) return hash
    return undefined
  }

  /** Sets the timer for the oldest tensor, if there is one. */
  private watch(): void {
    const [oldest] = this.kept.values()
    if (this.timer !== undefined || oldest === undefined) return
    const ms = Math.max(0, Math.ceil(oldest.untilMs - performance.now()))
    this.timer = setTimeout(() => this.expire(), ms)
  }

  private expire(): void {
    this.timer = undefined
    const nowMs = performance.now()
    for (const [hash, { untilMs }] of this.kept) {
      if (untilMs > nowMs) break
      this.remove(hash)
    }
    this.watch()
  }
}
