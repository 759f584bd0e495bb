import { type SwarmKey, swarmId } from '@layerswarm/swarm'
import { pause } from '../deadline.ts'
import { RELAY_RETRY_MS, RELAY_RETRY_MS_MAX, SERVER_REFUSED_RETRY_MS } from '../limits.ts'
import { meetingAddress } from '../meeting/join-url.ts'
import {
  createRelayKeeper,
  type RelayKeeper,
  type RelayKeeperOptions,
} from '../meeting/relay-keeper.ts'
import type { SwarmNode, Ways } from '../node/libp2p-config.ts'
import type { RelayState } from '../node/reach.ts'
import type { ServerChange, ServerSnapshot } from './server-state.ts'
import type { Answer, Servers } from './servers.ts'

/** What relay keepers work on. */
export interface RelayKeepersNeeds {
  readonly node: SwarmNode
  readonly ways: Ways
  readonly servers: Servers
  /** Hash of the manifest: a server that does not offer it serves another swarm. */
  readonly release: string
  /** Of the private swarm; undefined where everybody may come. */
  readonly swarmKey: SwarmKey | undefined
  changed(change: ServerChange): void
}

/** The bootstrap nodes of a swarm, with a keeper for each. */
export interface RelayKeepers {
  /**
   * Connects to all that are known, and to those that are learned later.
   * @param first what was read already. Resolves with the first connection.
   * @throws PeerError `unreachable` when none of those known now can be connected to.
   */
  start(first: Answer, signal?: AbortSignal): Promise<void>
  stop(): Promise<void>
  /** Looks at once whether the connections still live. */
  hurry(): void
  /** The best that is held at any of them. */
  readonly state: RelayState
  readonly all: readonly ServerSnapshot[]
  /** Whether a peer is one of the bootstrap nodes. */
  readonly isBootstrap: (peer: string) => boolean
}

/** A server and its keeper. */
interface Place {
  readonly url: URL
  readonly keeper: RelayKeeper
  /** Of the bootstrap node there; undefined until it was read. */
  peerId: string | undefined
  /** Has a reservation that is asked for on its behalf. */
  hasCircuit: boolean
  /** It lets in only those on a list, and hangs up on the others without a word. */
  hasAllowList: boolean
  /** What was said of it last, so that it is said once. */
  said: string
}

/** Why a server is of no use, in one line. */
class Refusal extends Error {}

/**
 * 1. One keeper for each server, each with a reservation of its own where the platform needs one.
 * 2. A server that serves another swarm, or is one of the others under a second name, is refused and
 *    keeps nobody from joining at the others.
 * 3. Every change of a server is told once.
 * 4. After `stop` no dial, request or timer is left.
 */
export function createRelayKeepers(
  needs: RelayKeepersNeeds,
  options: Partial<RelayKeeperOptions> = {},
): RelayKeepers {
  return new ManyKeepers(needs, options)
}

class ManyKeepers implements RelayKeepers {
  private readonly needs: RelayKeepersNeeds
  private readonly options: Partial<RelayKeeperOptions>
  private readonly stopped = new AbortController()
  private readonly places: Place[] = []
  private readonly working = new Set<Promise<void>>()
  private unfollow = () => {}

  constructor(needs: RelayKeepersNeeds, options: Partial<RelayKeeperOptions>) {
    this.needs = needs
    this.options = options
  }

  async start(first: Answer, signal?: AbortSignal): Promise<void> {
    const attempts: Promise<void>[] = []
    let failure: unknown
    const begin = (url: URL) => {
      const read = url.href === first.url.href ? first : undefined
      // A tab that came over https reaches no server without; it may be told of it all the same.
      if (read === undefined && !this.canReach(url)) return
      const place = this.add(url)
      const attempt = this.enter(place, read, signal)
      attempts.push(attempt)
      attempt.catch((error: unknown) => {
        failure ??= error
      })
      this.inBackground(
        attempt.catch((error: unknown) => this.goOn(place, error)).catch(() => undefined),
      )
    }
    this.unfollow = this.needs.servers.follow(begin)
    try {
      await Promise.any(attempts)
    } catch {
      signal?.throwIfAborted()
      throw failure
    }
  }

  async stop(): Promise<void> {
    this.unfollow()
    this.stopped.abort(new Error('the peer stopped'))
    await Promise.all([...this.places.map(({ keeper }) => keeper.stop()), ...this.working])
  }

  hurry(): void {
    for (const { keeper } of this.places) keeper.hurry()
  }

  get state(): RelayState {
    const states = this.places.map(({ keeper }) => keeper.state)
    return ORDER.find((state) => states.includes(state)) ?? 'lost'
  }

  get all(): readonly ServerSnapshot[] {
    return this.places.map(({ url, keeper }) => ({ url: url.href, relay: keeper.state }))
  }

  readonly isBootstrap = (peer: string): boolean =>
    this.places.some(({ keeper }) => keeper.isBootstrap(peer))

  private canReach(url: URL): boolean {
    const { node, ways } = this.needs
    return ways.canDial(meetingAddress(url, node.peerId.toString()))
  }

  private add(url: URL): Place {
    const { node, ways, servers } = this.needs
    const keeper = createRelayKeeper(
      {
        node,
        ways,
        refresh: async (bounded) => (await servers.read(url, bounded)).addresses,
        changed: (isUp) => this.say(place, isUp ? 'met' : 'away', isUp ? '' : goneReason(place)),
      },
      this.options,
    )
    const place: Place = {
      url,
      keeper,
      peerId: undefined,
      hasCircuit: false,
      hasAllowList: false,
      said: '',
    }
    this.places.push(place)
    return place
  }

  /** Connects to a server, if it is one of this swarm. @throws Error why not. */
  private async enter(place: Place, read: Answer | undefined, given?: AbortSignal): Promise<void> {
    const { signal: stopped } = this.stopped
    const signal = given === undefined ? stopped : AbortSignal.any([stopped, given])
    const { servers } = this.needs
    const bootstrap = read?.bootstrap ?? (await servers.read(place.url, signal))
    const { addresses, releases } = bootstrap
    place.peerId = undefined
    const peerId = addresses[0]?.split('/').at(-1)
    const twin = this.places.find((one) => one.peerId === peerId)
    if (twin !== undefined) throw new Refusal(`it is the same server as ${twin.url.href}`)
    if (!releases.some(({ id }) => id === this.needs.release))
      throw new Refusal('it serves another swarm: it does not offer the release of this one')
    if (bootstrap.swarm !== (this.needs.swarmKey && swarmId(this.needs.swarmKey)))
      throw new Refusal('it serves another swarm: its key is not that of this one')
    place.peerId = peerId
    place.hasAllowList = bootstrap.hasAllowList
    servers.refuse(place.url, false)
    await this.askForCircuit(place)
    await place.keeper.start(addresses, signal)
    this.say(place, 'met', '')
  }

  /** The node asks for one reservation by itself. */
  private async askForCircuit(place: Place): Promise<void> {
    if (place.hasCircuit) return
    place.hasCircuit = true
    const isFirst = this.places.every((one) => one === place || !one.hasCircuit)
    const { node, ways } = this.needs
    if (!isFirst && ways.reservation !== 'none') await node.services.circuits.add()
  }

  /** Tries again until it can be entered. */
  private async goOn(place: Place, failure: unknown): Promise<void> {
    const { signal } = this.stopped
    let error = failure
    for (let failures = 0; !signal.aborted; failures++) {
      const isRefused = error instanceof Refusal
      if (isRefused) this.needs.servers.refuse(place.url, true)
      this.say(place, isRefused ? 'refused' : 'away', reasonOf(error))
      const wait = Math.min(RELAY_RETRY_MS * 2 ** failures, RELAY_RETRY_MS_MAX)
      await pause(isRefused ? SERVER_REFUSED_RETRY_MS : wait * (0.5 + Math.random()), signal)
      if (signal.aborted) return
      try {
        return await this.enter(place, undefined)
      } catch (another) {
        error = another
      }
    }
  }

  private say(place: Place, state: ServerChange['state'], reason: string): void {
    if (this.stopped.signal.aborted || place.said === state) return
    place.said = state
    this.needs.changed({ url: place.url.href, state, reason })
  }

  /** Runs a task that `stop` waits for; it never rejects. */
  private inBackground(task: Promise<void>): void {
    this.working.add(task)
    void task.then(() => this.working.delete(task))
  }
}

function goneReason({ hasAllowList }: Place): string {
  return hasAllowList ? 'it is gone, or its host took this peer off its list' : 'it is gone'
}

/** The best first. */
const ORDER: readonly RelayState[] = ['reserved', 'connected', 'lost']

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
