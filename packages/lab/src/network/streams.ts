import type { HeldActivation, PeerId, TensorHash } from '@layerswarm/swarm'
import { type SeededRandom, SYMBOLS_BYTES, type VirtualClock } from '@layerswarm/swarm/testing'
import type { Settings } from '../scenarios/settings.ts'
import type { LabStation } from './lane.ts'
import type { Paths } from './paths.ts'
import type { Trace } from './trace.ts'
import type { LabTraffic } from './traffic.ts'

/** What direct streams share with the gossip of the same network. */
export interface StreamNeeds {
  readonly clock: VirtualClock
  readonly settings: Settings
  readonly random: SeededRandom
  readonly trace: Trace
  readonly paths: Paths
  readonly traffic: LabTraffic
  /** Everybody who is there. */
  readonly stations: ReadonlyMap<PeerId, LabStation>
  /** A holder is asked for a tensor. */
  pullAsked(holder: LabStation): void
}

/**
 * Bytes between two peers without anybody in between: tensors that are pulled, and what rival
 * policies send.
 *
 * 1. A transfer takes its sender's uplink, the pair's latency and its receiver's downlink, after
 *    the transfers before it.
 * 2. Bytes are counted where they are sent.
 */
export class Streams {
  private readonly needs: StreamNeeds

  constructor(needs: StreamNeeds) {
    this.needs = needs
  }

  /** Holds a tensor for others to pull, and says under which hash. */
  offer(self: LabStation, bytes: Uint8Array): TensorHash {
    const hash = symbolHash(bytes)
    self.tensors.set(hash, bytes)
    return hash
  }

  /** Fetches a tensor from its holder; undefined when it cannot be had. Returns what cancels it. */
  pull(
    self: LabStation,
    tensor: HeldActivation,
    isAwaited: boolean,
    pulled: (bytes: Uint8Array | undefined) => void,
  ): () => void {
    const { clock, settings } = this.needs
    const { hash, size } = tensor
    if (self.pushed.has(hash))
      return clock.wakeAt(clock.nowMs(), () => pulled(self.takePushed(hash)))
    if (tensor.holder === self.peer) return this.ask(self, tensor, pulled)
    let cancelAsk = () => {}
    const ask = () => {
      cancelAsk = this.ask(self, tensor, (bytes) => {
        endWait()
        pulled(bytes)
      })
    }
    const patienceMs =
      settings['streams.pushPatienceMs'] + size / settings['streams.pushBytesPerMs']
    const cancelWait = isAwaited ? clock.wakeAt(clock.nowMs() + patienceMs, ask) : () => {}
    const end = () => {
      endWait()
      cancelWait()
      cancelAsk()
    }
    // A push that comes while it is asked for counts as well.
    const endWait = self.waitFor(hash, (bytes) => {
      end()
      pulled(bytes)
    })
    if (!isAwaited) ask()
    return end
  }

  /** Sends a tensor to a peer that has not asked for it. */
  push(from: LabStation, hash: TensorHash, peer: PeerId): void {
    const to = this.needs.stations.get(peer)
    const bytes = from.tensors.get(hash)
    if (to === undefined || bytes === undefined || !from.isLinkedTo(to) || from.withholds) return
    this.needs.traffic.pulledBytes += bytes.length
    this.carry(from, to, bytes.length, () => {
      // A sender that died while it sent took the rest with it.
      if (!from.alive) return
      to.arrived(hash, bytes)
    })
  }

  private ask(
    self: LabStation,
    tensor: HeldActivation,
    pulled: (bytes: Uint8Array | undefined) => void,
  ): () => void {
    const { clock, settings, stations, paths, traffic, trace } = this.needs
    const now = clock.nowMs()
    const holder = stations.get(tensor.holder)
    if (holder === self) return clock.wakeAt(now, () => pulled(self.tensors.get(tensor.hash)))
    if (holder === undefined || !paths.hasPath(self, holder))
      return clock.wakeAt(now + this.failureMs(self, tensor.holder), () => pulled(undefined))
    const latencyMs = paths.latencyMs(self, holder)
    let cancel = () => {}
    const cancelAsk = clock.wakeAt(now + latencyMs, () => {
      this.needs.pullAsked(holder)
      const answers = holder.alive && !holder.frozen && !holder.withholds
      const bytes = answers ? holder.tensors.get(tensor.hash) : undefined
      if (bytes === undefined) {
        const wait = answers ? latencyMs : settings['streams.pullTimeoutMs'] - latencyMs
        cancel = clock.wakeAt(clock.nowMs() + wait, () => pulled(undefined))
        return
      }
      const sentAtMs = holder.access.takeUplink(bytes.length, clock.nowMs())
      holder.traffic.sentBytes += bytes.length
      traffic.pulledBytes += bytes.length
      // Transfers queue behind each other; small gossip slips in between their packets.
      cancel = clock.wakeAt(sentAtMs + latencyMs, () => {
        cancel = clock.wakeAt(self.access.takeDownlink(bytes.length, clock.nowMs()), () => {
          trace.note(clock.nowMs(), 5, self.session.index, bytes.length)
          // A holder that died while it sent took the rest with it.
          pulled(holder.alive ? bytes : undefined)
        })
      })
    })
    return () => {
      cancelAsk()
      cancel()
    }
  }

  /** How long a question to a peer that cannot be reached takes to fail, milliseconds. */
  private failureMs(self: LabStation, holder: PeerId): number {
    // Without a connection there is nobody to ask; on a dead one the question times out.
    const asked = [...self.links, ...self.past].some(({ to }) => to.peer === holder)
    return asked ? this.needs.settings['streams.pullTimeoutMs'] : 1
  }

  /**
   * Sends bytes of a rival policy; nothing comes of it when the other end is gone.
   * @param relayed without a direct path they go by way of a relay, which takes twice as long.
   */
  send(
    from: LabStation,
    to: LabStation,
    bytes: number,
    received: () => void,
    relayed = false,
  ): void {
    const { clock, traffic } = this.needs
    if (!from.alive) return
    if (from === to) {
      clock.wakeAt(clock.nowMs(), received)
      return
    }
    traffic.pulledBytes += bytes
    this.carry(from, to, bytes, received, relayed)
  }

  /** A small message over a stream of its own: its packets slip in between those of tensors on their way. */
  whisper(from: LabStation, to: LabStation, bytes: number, received: () => void): void {
    const { clock } = this.needs
    const nowMs = clock.nowMs()
    // It costs the tensors its time, and waits for none of them.
    from.access.takeUplink(bytes, nowMs)
    const sentAtMs = this.onTheWay(from, to, nowMs + bytes / from.session.up, bytes, false)
    this.arrive(from, to, sentAtMs + bytes / to.session.down, received)
  }

  /** Bytes on their way over a stream, after those before them, counted at their sender. */
  private carry(
    from: LabStation,
    to: LabStation,
    bytes: number,
    received: () => void,
    relayed = false,
  ): void {
    const { clock, paths } = this.needs
    const reachesAtMs = this.onTheWay(
      from,
      to,
      from.access.takeUplink(bytes, clock.nowMs()),
      bytes,
      relayed,
    )
    if (!paths.isDialable(from, to) && !relayed) return
    // It takes its receiver's downlink when it gets there: a slow sender keeps nobody else out.
    clock.wakeAt(reachesAtMs, () =>
      this.arrive(from, to, to.access.takeDownlink(bytes, clock.nowMs()), received),
    )
  }

  /** @returns when the last byte reaches the receiver's access, of those that left at `leftAtMs`. */
  private onTheWay(
    from: LabStation,
    to: LabStation,
    leftAtMs: number,
    bytes: number,
    relayed: boolean,
  ): number {
    const { settings, random, paths } = this.needs
    from.traffic.sentBytes += bytes
    const isDirect = paths.isDialable(from, to) || !relayed
    const latencyMs = (isDirect ? 1 : 2) * paths.latencyMs(from, to)
    let atMs = leftAtMs + latencyMs
    atMs += random.uniform() * settings['links.jitterMs'] + to.session.messageMs
    // A stream repeats what was lost: it comes late, and it comes.
    if (random.chance(settings['links.loss'])) atMs += 2 * latencyMs
    return atMs
  }

  private arrive(from: LabStation, to: LabStation, atMs: number, received: () => void): void {
    const { clock, paths, trace } = this.needs
    if (paths.isCut(from, to)) return
    clock.wakeAt(atMs, () => {
      trace.note(clock.nowMs(), 6, from.session.index, to.session.index)
      if (!paths.isCut(from, to)) to.whenRead(received)
    })
  }
}

/** Stands in for SHA-256: equal symbols, equal hash. */
export function symbolHash(bytes: Uint8Array): TensorHash {
  let low = 0x811c9dc5
  let high = bytes.length
  const end = Math.min(bytes.length, SYMBOLS_BYTES)
  for (let i = 0; i < end; i++) {
    low = Math.imul(low ^ (bytes[i] as number), 0x01000193)
    high = Math.imul(high ^ low, 0x85ebca6b) ^ (high >>> 13)
  }
  const half = (high >>> 0).toString(16).padStart(8, '0')
  return (half + (low >>> 0).toString(16).padStart(8, '0')).padStart(64, '0') as TensorHash
}
