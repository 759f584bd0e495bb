import { BOOTSTRAP_NODES_MAX } from '@layerswarm/swarm'
import { type Bootstrap, fetchBootstrap } from '../bootstrap.ts'
import { PeerError } from '../errors.ts'
import { firstOf } from '../hedge.ts'
import { SERVER_HEDGE_MS } from '../limits.ts'
import { parseJoinUrl } from '../meeting/join-url.ts'

/** What a server said, and which one it was. */
export interface Answer {
  readonly url: URL
  readonly bootstrap: Bootstrap
}

/**
 * The signaling servers of one swarm that a peer knows.
 *
 * 1. Those that it was told to join, and those that these name; BOOTSTRAP_NODES_MAX at most. What the
 *    named ones name in turn is not taken.
 * 2. The one that answered last is asked first; who does not answer in time has company.
 * 3. One that is refused, because it serves another swarm, is not asked until it is taken back.
 */
export interface Servers {
  /** Those to ask, the one that answered last first. */
  readonly urls: readonly URL[]
  /** Reads what one of them says, and learns whom it names. @throws PeerError `unreachable` or `bad-bootstrap`. */
  read(url: URL, signal?: AbortSignal): Promise<Bootstrap>
  /**
   * What the first of them that answers says.
   * @throws PeerError what is wrong with the only one, or `unreachable` when none of several answers.
   */
  readAny(signal?: AbortSignal): Promise<Answer>
  /** A server does not count any more, or counts again. */
  refuse(url: URL, isRefused: boolean): void
  /** Told of all that are known and of each that is learned. @returns what ends that. */
  follow(known: (url: URL) => void): () => void
}

/**
 * @param join one URL or several, as people write them.
 * @throws PeerError `bad-join-url`, or `bad-options` for none or more than BOOTSTRAP_NODES_MAX.
 */
export function createServers(join: string | readonly string[]): Servers {
  const told = (typeof join === 'string' ? [join] : join).map(parseJoinUrl)
  const joined = new Map(told.map((url) => [url.href, url]))
  if (joined.size === 0 || joined.size > BOOTSTRAP_NODES_MAX) {
    throw new PeerError(
      { code: 'bad-options', field: 'join' },
      `join names ${joined.size} servers; a swarm has 1 to ${BOOTSTRAP_NODES_MAX}`,
    )
  }
  return new KnownServers(joined)
}

class KnownServers implements Servers {
  private readonly joined: ReadonlyMap<string, URL>
  /** In the order in which they are asked. */
  private readonly known: Map<string, URL>
  private readonly refused = new Set<string>()
  private readonly followers = new Set<(url: URL) => void>()

  constructor(joined: ReadonlyMap<string, URL>) {
    this.joined = joined
    this.known = new Map(joined)
  }

  get urls(): readonly URL[] {
    const urls = [...this.known.values()]
    const good = urls.filter(({ href }) => !this.refused.has(href))
    return good.length > 0 ? good : urls
  }

  async read(url: URL, signal?: AbortSignal): Promise<Bootstrap> {
    const bootstrap = await fetchBootstrap(url, signal)
    const others = [...this.known].filter(([href]) => href !== url.href)
    this.known.clear()
    for (const [href, one] of [[url.href, url] as const, ...others]) this.known.set(href, one)
    if (this.joined.has(url.href)) for (const other of bootstrap.others) this.learn(other)
    return bootstrap
  }

  async readAny(signal = new AbortController().signal): Promise<Answer> {
    const { urls } = this
    const attempts = urls.map((url) => async (bounded: AbortSignal) => ({
      url,
      bootstrap: await this.read(url, bounded),
    }))
    try {
      return await firstOf(attempts, SERVER_HEDGE_MS, signal)
    } catch (error) {
      if (!(error instanceof AggregateError)) throw error
      throw error.errors.length === 1 ? error.errors[0] : noneAnswers(urls, error.errors)
    }
  }

  refuse({ href }: URL, isRefused: boolean): void {
    if (isRefused) this.refused.add(href)
    else this.refused.delete(href)
  }

  follow(known: (url: URL) => void): () => void {
    this.followers.add(known)
    for (const url of this.known.values()) known(url)
    return () => void this.followers.delete(known)
  }

  private learn(url: URL): void {
    if (this.known.has(url.href) || this.known.size >= BOOTSTRAP_NODES_MAX) return
    this.known.set(url.href, url)
    for (const follower of this.followers) follower(url)
  }
}

function noneAnswers(urls: readonly URL[], failures: readonly unknown[]): PeerError {
  const reasons = failures.map((error) => (error instanceof Error ? error.message : String(error)))
  return new PeerError(
    { code: 'unreachable', url: urls.join(' or ') },
    `none of the ${urls.length} servers can be joined: ${reasons.join('; ')}`,
  )
}
