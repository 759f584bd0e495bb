import { setTimeout as wait } from 'node:timers/promises'
import { BOOTSTRAP_NODES_MAX, SERVER_URL_CHARS_MAX } from '@layerswarm/swarm'
import { reasonOf, SignalingError } from '../errors.ts'
import {
  PEERING_DIAL_MS_MAX,
  PEERING_LOOK_INTERVAL_MS,
  PEERING_RETRY_MS,
  PEERING_RETRY_MS_MAX,
  PEERING_TURN_MS,
} from '../limits.ts'
import type { LogEntry } from '../log.ts'
import { within } from '../within.ts'
import { type OtherServer, readServer } from './other-server.ts'

/** What peering does on the network. */
export interface PeeringLink {
  /** This server's peer id. */
  readonly peerId: string
  /** From now on, a server of the same swarm: presence goes between the two whatever the mesh; or no more. */
  setServer(peerId: string, isServer: boolean): void
  /**
   * Connects to a server by WebSocket, below the URL at which it answers.
   * @throws Error when it is not there, or is another peer.
   */
  reach(url: URL, peerId: string, signal: AbortSignal): Promise<void>
  isConnected(peerId: string): boolean
}

/** What peering is made of. */
export interface PeeringNeeds {
  /** As `parsePeerWith` gives them. */
  readonly urls: readonly URL[]
  readonly link: PeeringLink
  /** Which private swarm this server is of; undefined for one that is open to all. */
  readonly swarm: string | undefined
  /** Ids of the releases on offer here. */
  releases(): readonly string[]
  log(level: LogEntry['level'], event: string, text: string, data?: LogEntry['data']): void
}

/** The other servers of a swarm, as far as this one knows them. */
export interface Peering {
  start(): void
  /** Ends every attempt; connections end with libp2p. */
  stop(): Promise<void>
  /** URLs of those that have been met, for peers: also of one that is away for now, since it may come back. */
  readonly met: readonly string[]
  /** Those that were named, by whether they are connected now. */
  counts(): { readonly connected: number; readonly away: number }
}

/** One of the others. */
interface Other {
  readonly url: URL
  /** Undefined until it was met. */
  peerId: string | undefined
  /** What was complained of last, so that it is said once. */
  complaint: string | undefined
}

/**
 * Keeps this server connected to the others of its swarm, as Kubo's peering does.
 *
 * 1. Only URLs that the host named are dialled; a server that somebody else names is none of ours.
 * 2. One that is this server itself, is named twice, or offers none of our releases is refused in one
 *    line of the log; so is one that does not answer. Each is asked again, ever more rarely.
 * 3. Of two servers that name each other the one with the smaller peer id dials; the other steps in
 *    after PEERING_TURN_MS.
 * 4. After `stop` no timer, request or dial is left.
 */
export function createPeering(needs: PeeringNeeds): Peering {
  return new SwarmPeering(needs)
}

class SwarmPeering implements Peering {
  private readonly needs: PeeringNeeds
  private readonly others: readonly Other[]
  private readonly stopped = new AbortController()
  private working: Promise<unknown> = Promise.resolve()

  constructor(needs: PeeringNeeds) {
    this.needs = needs
    this.others = needs.urls.map((url) => ({ url, peerId: undefined, complaint: undefined }))
  }

  start(): void {
    this.working = Promise.all(this.others.map((other) => this.keep(other)))
  }

  async stop(): Promise<void> {
    this.stopped.abort(new Error('the server stopped'))
    await this.working
  }

  get met(): readonly string[] {
    return this.others.filter(({ peerId }) => peerId !== undefined).map(({ url }) => url.href)
  }

  counts() {
    const connected = this.others.filter((other) => this.isConnected(other)).length
    return { connected, away: this.others.length - connected }
  }

  private isConnected({ peerId }: Other): boolean {
    return peerId !== undefined && this.needs.link.isConnected(peerId)
  }

  private async keep(other: Other): Promise<void> {
    const { signal } = this.stopped
    const { log } = this.needs
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.meet(other)
        failures = 0
        other.complaint = undefined
        log('info', 'server-met', `peering with ${other.url.href}`)
        while (!signal.aborted && this.isConnected(other))
          await this.pause(PEERING_LOOK_INTERVAL_MS)
        if (!signal.aborted) log('warn', 'server-lost', `${other.url.href} is gone; trying again`)
      } catch (error) {
        if (signal.aborted) return
        this.complain(other, reasonOf(error))
        failures += 1
      }
      const longest = Math.min(PEERING_RETRY_MS * 2 ** failures, PEERING_RETRY_MS_MAX)
      await this.pause(longest * (0.5 + Math.random() / 2))
    }
  }

  /** @throws Error with one line that says why it cannot be. */
  private async meet(other: Other): Promise<void> {
    const { link } = this.needs
    const { peerId } = await this.check(other)
    if (other.peerId !== peerId) this.forget(other)
    other.peerId = peerId
    link.setServer(peerId, true)
    if (link.isConnected(peerId)) return
    if (link.peerId > peerId) await this.pause(PEERING_TURN_MS)
    if (link.isConnected(peerId)) return
    const { signal } = this.stopped
    const reach = (bounded: AbortSignal) => link.reach(other.url, peerId, bounded)
    await within(PEERING_DIAL_MS_MAX, signal, reach).catch((error: unknown) => {
      throw new Error(
        `it answers, but takes no WebSocket there (${reasonOf(error)}); does a proxy before it pass them on?`,
      )
    })
  }

  /** @throws Error when it is no other server of this swarm. */
  private async check(other: Other): Promise<OtherServer> {
    const server = await readServer(other.url, this.stopped.signal)
    const reason = this.whyNot(other, server)
    if (reason === undefined) return server
    this.forget(other)
    throw new Error(reason)
  }

  private whyNot(other: Other, { peerId, releases, swarm }: OtherServer): string | undefined {
    if (peerId === this.needs.link.peerId) return 'it is this server itself; name the other one'
    const twin = this.others.find((one) => one !== other && one.peerId === peerId)
    if (twin !== undefined) return `it is the same server as ${twin.url.href}`
    if (swarm !== this.needs.swarm)
      return 'it is of another private swarm, or one of the two is of none; start both with the same --swarm-key'
    const own = this.needs.releases()
    if (releases.some((id) => own.includes(id))) return undefined
    return 'it serves another swarm: none of its releases is offered here'
  }

  private forget(other: Other): void {
    if (other.peerId !== undefined) this.needs.link.setServer(other.peerId, false)
    other.peerId = undefined
  }

  private complain(other: Other, reason: string): void {
    if (other.complaint === reason) return
    other.complaint = reason
    this.needs.log('warn', 'server-refused', `not peering with ${other.url.href}: ${reason}`)
  }

  /** Ends early, without an error, when peering stops. */
  private async pause(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: this.stopped.signal }).catch(() => undefined)
  }
}

/**
 * The folders below which other servers answer.
 * @throws SignalingError `bad-option` for what is no http or https URL, or too many.
 */
export function parsePeerWith(texts: readonly string[]): URL[] {
  const refuse = (reason: string) =>
    new SignalingError({ code: 'bad-option', option: 'peerWith' }, reason)
  const urls = new Map<string, URL>()
  for (const text of texts) {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
      throw refuse(
        `cannot peer with "${text.slice(0, SERVER_URL_CHARS_MAX)}"; it looks like https://other.example/`,
      )
    if (url.username !== '' || url.password !== '')
      throw refuse(
        'cannot peer with a URL that has a user or a password in it: all peers are told it',
      )
    if (url.href.length >= SERVER_URL_CHARS_MAX)
      throw refuse(`cannot peer with a URL of more than ${SERVER_URL_CHARS_MAX} characters`)
    url.search = ''
    url.hash = ''
    if (!url.pathname.endsWith('/')) url.pathname += '/'
    urls.set(url.href, url)
  }
  if (urls.size >= BOOTSTRAP_NODES_MAX) {
    throw refuse(
      `${urls.size} servers to peer with are too many; a swarm has ${BOOTSTRAP_NODES_MAX} at most, this one included`,
    )
  }
  return [...urls.values()]
}
