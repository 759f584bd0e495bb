import { PUSHED_TENSORS_MAX, type TensorHash } from '@layerswarm/swarm'
import { PUSHED_TENSOR_TTL_MS } from '../limits.ts'

/** A tensor that is on its way from a peer, as far as it has come. */
export interface Arrival {
  /** Takes a copy of the bytes that come next; false when there is no room for them, and its place is gone. */
  add(bytes: Uint8Array): boolean
  /** All of it, once it has come: nobody displaces it while it is checked. Not to be changed. */
  whole(): Uint8Array
  /** Its hash was checked. */
  keep(hash: TensorHash): void
  /** Gives its place back; idempotent, and nothing after `keep`. */
  drop(): void
}

/** What is held of one tensor. */
interface Place {
  readonly peer: string
  /** Of the whole tensor. */
  readonly size: number
  /** Its bytes: the first `came`, and room for more of them. */
  bytes: Uint8Array
  came: number
  isChecked: boolean
  /** Makes room for another. */
  yield: () => void
}

interface Kept {
  readonly place: Place
  readonly untilMs: number
}

interface Wait {
  readonly size: number
  readonly arrived: (bytes: Uint8Array) => void
}

/** Room that a peer asks for: so much more of what is counted. */
interface Wanted {
  readonly place: Place
  readonly more: number
}

/**
 * Tensors that came without being asked for, until they are pulled.
 *
 * 1. What counts is memory that holds bytes which have come, also of tensors that are not all here. A promise
 *    takes no room, and of a tensor on its way no more is held than twice what has come, nor more than its size.
 * 2. At most PUSHED_TENSORS_MAX are kept, and with those on their way no more bytes than `bytesMax` allows. When
 *    that shrinks, only what is being checked just then stays until it is.
 * 3. Who has most makes room, with what has brought nothing for longest: a flooder displaces its own. Nobody with
 *    less than whoever needs the room makes any, however slow: identities cost nothing, so what a peer can count
 *    on is its share among all of them. A tensor that is kept stays that of who brought it first.
 * 4. What is waited for is handed over and not kept; what is taken is kept no longer.
 * 5. What nobody has taken within PUSHED_TENSOR_TTL_MS is dropped.
 */
export class PushedTensors {
  private readonly bytesMax: () => number
  /** All that is held; who has brought nothing for longest comes first. */
  private readonly places = new Set<Place>()
  /** Of these what is here and checked, oldest first. */
  private readonly kept = new Map<TensorHash, Kept>()
  /** Bytes held of each peer. */
  private readonly bytesOf = new Map<string, number>()
  private readonly waits = new Map<TensorHash, Set<Wait>>()
  private heldBytes = 0
  private timer: ReturnType<typeof setTimeout> | undefined

  /** @param bytesMax what may be held, asked anew each time. */
  constructor(bytesMax: () => number) {
    this.bytesMax = bytesMax
  }

  /** Bytes held, of those on their way as well. */
  get bytes(): number {
    return this.heldBytes
  }

  /**
   * A tensor of so many bytes is to come from a peer.
   * @param displaced its place went to another.
   */
  expect(peer: string, size: number, displaced: () => void): Arrival {
    const place: Place = {
      ...{ peer, size, bytes: new Uint8Array(0), came: 0, isChecked: false },
      yield: () => {
        drop()
        displaced()
      },
    }
    let isOpen = true
    const drop = () => {
      if (isOpen) this.leave(place)
      isOpen = false
    }
    return {
      drop,
      add: (bytes) => {
        const isAdded = isOpen && this.add(place, bytes)
        if (!isAdded) drop()
        return isAdded
      },
      whole: () => {
        if (place.came !== size) throw new Error(`${place.came} of ${size} bytes have come`)
        place.isChecked = true
        return place.bytes
      },
      keep: (hash) => {
        if (!isOpen) return
        isOpen = false
        this.keep(place, hash)
      },
    }
  }

  /** Gives a tensor that is here, and keeps it no longer; undefined when it is not, or of another size. */
  take(hash: TensorHash, size: number): Uint8Array | undefined {
    const found = this.kept.get(hash)?.place.bytes
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
    this.makeRoom(undefined)
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

  private add(place: Place, bytes: Uint8Array): boolean {
    const came = place.came + bytes.length
    if (came > place.size) return false
    const held = place.bytes.length
    if (came > held) {
      // Twice as much each time, so that no byte is copied more than twice.
      const room = Math.min(place.size, Math.max(came, 2 * held))
      if (!this.makeRoom({ place, more: room - held })) return false
      const grown = new Uint8Array(room)
      grown.set(place.bytes)
      place.bytes = grown
      this.count(place.peer, room - held)
    }
    place.bytes.set(bytes, place.came)
    place.came = came
    this.touch(place)
    return true
  }

  private keep(place: Place, hash: TensorHash): void {
    place.isChecked = false
    const first = this.kept.get(hash)?.place.peer ?? place.peer
    if (this.handOver(hash, place.bytes) || first !== place.peer) {
      this.leave(place)
      return
    }
    this.remove(hash)
    this.makePlace(place)
    this.kept.set(hash, { place, untilMs: performance.now() + PUSHED_TENSOR_TTL_MS })
    place.yield = () => this.remove(hash)
    this.touch(place)
    this.shrink()
    this.watch()
  }

  private remove(hash: TensorHash): void {
    const found = this.kept.get(hash)
    if (found === undefined) return
    this.kept.delete(hash)
    this.leave(found.place)
  }

  private touch(place: Place): void {
    this.places.delete(place)
    this.places.add(place)
  }

  private leave(place: Place): void {
    if (this.places.delete(place)) this.count(place.peer, -place.bytes.length)
  }

  private held(peer: string): number {
    return this.bytesOf.get(peer) ?? 0
  }

  private count(peer: string, bytes: number): void {
    this.heldBytes += bytes
    const left = this.held(peer) + bytes
    if (left > 0) this.bytesOf.set(peer, left)
    else this.bytesOf.delete(peer)
  }

  /** @returns whether so many bytes more fit now, or no more than may. */
  private makeRoom(wanted: Wanted | undefined): boolean {
    while (this.heldBytes + (wanted?.more ?? 0) > this.bytesMax())
      if (!displace(this.places, this.bytesOf, wanted)) return false
    return true
  }

  /** One tensor more is to be kept. */
  private makePlace(place: Place): void {
    while (this.kept.size >= PUSHED_TENSORS_MAX) {
      const places = [...this.kept.values()].map((kept) => kept.place)
      const counts = new Map<string, number>()
      for (const { peer } of places) counts.set(peer, (counts.get(peer) ?? 0) + 1)
      displace(places, counts, { place, more: 1 })
    }
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

/**
 * Has whoever has most give up the first of its places.
 * @returns whether somebody did who has as much as the one that wants room will have.
 */
function displace(
  places: Iterable<Place>,
  amounts: ReadonlyMap<string, number>,
  wanted: Wanted | undefined,
): boolean {
  const amountOf = (peer: string) =>
    (amounts.get(peer) ?? 0) + (wanted?.place.peer === peer ? wanted.more : 0)
  let most = wanted === undefined ? 0 : amountOf(wanted.place.peer)
  let found: Place | undefined
  for (const place of places) {
    const amount = amountOf(place.peer)
    const isMore = amount > most || (amount === most && found === undefined)
    if (!isMore || place.isChecked || place === wanted?.place) continue
    found = place
    most = amount
  }
  found?.yield()
  return found !== undefined
}
