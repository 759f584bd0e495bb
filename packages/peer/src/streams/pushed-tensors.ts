import { PUSHED_TENSORS_MAX, type TensorHash } from '@layerswarm/swarm'
import { PUSHED_TENSOR_TTL_MS } from '../limits.ts'

/** The place of a tensor that is on its way from a peer. */
export interface Arrival {
  /** It is here, and its hash was checked. */
  keep(hash: TensorHash, bytes: Uint8Array): void
  /** Gives its place back; idempotent, and nothing after `keep`. */
  drop(): void
}

/**
 * Tensors that came without being asked for, until they are pulled.
 *
 * 1. At most PUSHED_TENSORS_MAX are kept, and no more bytes than `bytesMax` allows, those on their
 *    way included. Who has most of them here makes room first, with its oldest: a flooder displaces
 *    its own.
 * 2. What is waited for is handed over and not kept; what is taken is kept no longer.
 * 3. What nobody has taken within PUSHED_TENSOR_TTL_MS is dropped.
 */
export interface PushedTensors {
  /** Makes room for so many bytes of a peer; undefined when there cannot be room. */
  expect(peer: string, size: number): Arrival | undefined
  /** Gives a tensor that is here, and keeps it no longer; undefined when it is not, or of another size. */
  take(hash: TensorHash, size: number): Uint8Array | undefined
  /** Hands over the tensor once when it comes. Returns what ends the wait. */
  wait(hash: TensorHash, size: number, arrived: (bytes: Uint8Array) => void): () => void
  /** Drops what does not fit into `bytesMax` any more. */
  shrink(): void
  clear(): void
  /** Bytes kept, those on their way included. */
  readonly bytes: number
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

/** @param bytesMax what may be kept, asked anew each time. */
export function createPushedTensors(bytesMax: () => number): PushedTensors {
  /** Oldest first. */
  const kept = new Map<TensorHash, Kept>()
  const waits = new Map<TensorHash, Set<Wait>>()
  let bytes = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  function remove(hash: TensorHash): void {
    bytes -= kept.get(hash)?.bytes.length ?? 0
    kept.delete(hash)
  }

  /** The oldest tensor of the peer that has most here. */
  function nextToGo(): TensorHash | undefined {
    const counts = new Map<string, number>()
    for (const { peer } of kept.values()) counts.set(peer, (counts.get(peer) ?? 0) + 1)
    const most = Math.max(0, ...counts.values())
    for (const [hash, { peer }] of kept) if (counts.get(peer) === most) return hash
    return undefined
  }

  /** @returns whether so many bytes more fit now. */
  function makeRoom(size: number, count: number): boolean {
    while (bytes + size > bytesMax() || kept.size + count > PUSHED_TENSORS_MAX) {
      const hash = nextToGo()
      if (hash === undefined) return false
      remove(hash)
    }
    return true
  }

  function expire(): void {
    timer = undefined
    const nowMs = performance.now()
    for (const [hash, { untilMs }] of kept) {
      if (untilMs > nowMs) break
      remove(hash)
    }
    watch()
  }

  function watch(): void {
    const [oldest] = kept.values()
    if (timer !== undefined || oldest === undefined) return
    timer = setTimeout(expire, Math.max(0, Math.ceil(oldest.untilMs - performance.now())))
  }

  /** @returns whether somebody waited for it. */
  function handOver(hash: TensorHash, tensor: Uint8Array): boolean {
    const waiting = [...(waits.get(hash) ?? [])].filter(({ size }) => size === tensor.length)
    for (const { arrived } of waiting) arrived(tensor)
    return waiting.length > 0
  }

  return {
    get bytes() {
      return bytes
    },
    expect(peer, size) {
      if (!makeRoom(size, 0)) return undefined
      bytes += size
      let isOpen = true
      const drop = () => {
        if (isOpen) bytes -= size
        isOpen = false
      }
      return {
        drop,
        keep(hash, tensor) {
          drop()
          if (handOver(hash, tensor)) return
          remove(hash)
          if (!makeRoom(tensor.length, 1)) return
          kept.set(hash, {
            peer,
            bytes: tensor,
            untilMs: performance.now() + PUSHED_TENSOR_TTL_MS,
          })
          bytes += tensor.length
          watch()
        },
      }
    },
    take(hash, size) {
      const found = kept.get(hash)?.bytes
      if (found?.length !== size) return undefined
      remove(hash)
      return found
    },
    wait(hash, size, arrived) {
      const wait = { size, arrived }
      const all = waits.get(hash) ?? new Set()
      waits.set(hash, all.add(wait))
      return () => {
        all.delete(wait)
        if (all.size === 0 && waits.get(hash) === all) waits.delete(hash)
      }
    },
    shrink: () => void makeRoom(0, 0),
    clear() {
      clearTimeout(timer)
      timer = undefined
      for (const hash of [...kept.keys()]) remove(hash)
      waits.clear()
    },
  }
}
