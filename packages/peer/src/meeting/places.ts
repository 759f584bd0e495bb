import { isLoopback, networkOf } from '@layerswarm/swarm'
import { DIAL_RETRY_MS, DIAL_RETRY_MS_MAX, PLACE_KEPT_MS, PLACES_MAX } from '../limits.ts'

/** Where an address leads. Identities cost nothing and names neither; ports are cheap, machines are not. */
export interface Place {
  /** A port of a machine. */
  readonly port: string
  /** The machine, or the network of IPv6, or the domain; undefined for this machine, where many peers may run. */
  readonly host: string | undefined
}

/** Undefined where there is none to be read. */
export function placeOf(address: string): Place | undefined {
  const found = /\/(ip4|ip6|dns\w*)\/([^/]+)\/tcp\/(\d+)/.exec(address)
  if (found === null) return undefined
  const [, kind = '', written = '', port = ''] = found
  const host = written.toLowerCase()
  // Whoever has a domain has all names below it.
  const owner = kind.startsWith('dns') ? host.split('.').slice(-2).join('.') : networkOf(host)
  return { port: `${host} ${Number(port)}`, host: isLoopback(host) ? undefined : owner }
}

/** `busy`: it is not known yet whether anybody answers there. `shut`: lately nobody did, and it is not time to look. */
export type PlaceState = 'open' | 'busy' | 'shut'

/** One dial to a place. */
export interface Visit {
  /** It takes long: others need not wait for its end. */
  grewSlow(nowMs: number): void
  /** `unclear`: somebody refused at once, or the dial was given up before anybody could answer. */
  ended(how: 'answered' | 'silent' | 'unclear', nowMs: number): void
}

/** What is remembered of a port or of a host. */
interface Memory {
  underWay: number
  /** Of these, those that have not grown slow. */
  young: number
  /** Dials without an answer since the last answer. */
  silences: number
  /** The last that was heard of it is an answer. */
  answers: boolean
  nextMs: number
  seenMs: number
}

/**
 * Who answers where, so that many members with one silent address cost what one costs. It only decides, and is
 * told the time.
 *
 * 1. Where the last dial was answered nothing is bounded: a household or a proxy has many peers.
 * 2. A port where nobody has answered takes one dial at a time, and each in vain doubles the wait for the next.
 * 3. A host where nobody has answered takes one dial at a time on all its ports, but one that has grown slow
 *    holds up none of the others. It has no wait: somebody may announce dead ports of an honest machine.
 * 4. At most PLACES_MAX ports and hosts are remembered, and no longer than PLACE_KEPT_MS after the last dial.
 */
export class Places {
  /** The one dialled last at the end. */
  private readonly memories = new Map<string, Memory>()

  /** @param isUrgent a dial that does not wait its time, but for its turn. */
  stateOf({ port, host }: Place, nowMs: number, isUrgent: boolean): PlaceState {
    const [at, on] = [this.recall(port, nowMs), this.recall(host, nowMs)]
    const isPortHeld = isDoubtful(at) && (at.underWay > 0 || (!isUrgent && nowMs < at.nextMs))
    const isHostHeld = isDoubtful(on) && on.young > 0
    if (!isPortHeld && !isHostHeld) return 'open'
    return (isPortHeld && at.silences > 0) || (isHostHeld && on.silences > 0) ? 'shut' : 'busy'
  }

  /** Dials in vain since somebody answered, at the port or at its host. */
  silencesAt({ port, host }: Place, nowMs: number): number {
    return Math.max(
      this.recall(port, nowMs)?.silences ?? 0,
      this.recall(host, nowMs)?.silences ?? 0,
    )
  }

  /** A dial begins there. */
  visit({ port, host }: Place, nowMs: number): Visit {
    const memories = [port, host].flatMap((name) =>
      name === undefined ? [] : this.keep(name, nowMs),
    )
    return new CountedVisit(memories)
  }

  private recall(name: string | undefined, nowMs: number): Memory | undefined {
    const memory = name === undefined ? undefined : this.memories.get(name)
    return memory !== undefined && nowMs - memory.seenMs < PLACE_KEPT_MS ? memory : undefined
  }

  private keep(name: string, nowMs: number): Memory {
    const memory = this.recall(name, nowMs) ?? {
      ...{ underWay: 0, young: 0, silences: 0, answers: false },
      ...{ nextMs: nowMs, seenMs: nowMs },
    }
    this.memories.delete(name)
    this.memories.set(name, memory)
    memory.underWay++
    memory.young++
    memory.seenMs = nowMs
    for (const [oldest, { seenMs }] of this.memories) {
      if (this.memories.size <= PLACES_MAX && nowMs - seenMs < PLACE_KEPT_MS) break
      this.memories.delete(oldest)
    }
    return memory
  }
}

function isDoubtful(memory: Memory | undefined): memory is Memory {
  return memory !== undefined && !memory.answers
}

class CountedVisit implements Visit {
  private readonly memories: readonly Memory[]
  private isSlow = false
  private isInVain = false

  constructor(memories: readonly Memory[]) {
    this.memories = memories
  }

  grewSlow(nowMs: number): void {
    this.isSlow = true
    for (const memory of this.memories) memory.young--
    this.inVain(nowMs)
  }

  ended(how: 'answered' | 'silent' | 'unclear', nowMs: number): void {
    for (const memory of this.memories) {
      memory.underWay--
      if (!this.isSlow) memory.young--
      if (how === 'answered') Object.assign(memory, { answers: true, silences: 0, nextMs: nowMs })
    }
    if (how === 'silent') this.inVain(nowMs)
  }

  private inVain(nowMs: number): void {
    for (const memory of this.memories) {
      memory.answers = false
      if (!this.isInVain) memory.silences++
      const waitMs = Math.min(DIAL_RETRY_MS * 2 ** (memory.silences - 1), DIAL_RETRY_MS_MAX)
      memory.nextMs = nowMs + waitMs
      memory.seenMs = nowMs
    }
    this.isInVain = true
  }
}
