/** News of servers and of being offline, told once a peer has joined. */
export interface HeldBack<News> {
  /** Tells it at once after `release`. */
  tell(news: News): void
  /** Tells what was held back, in its order. */
  release(): void
}

/**
 * Holds back what goes wrong until a server has let a peer in: a start that fails ends the command with its
 * reason, which says all of it, and no server is tried again.
 */
export function heldBack<News>(tell: (news: News) => void): HeldBack<News> {
  let waiting: News[] | undefined = []
  return {
    tell(news) {
      if (waiting === undefined) tell(news)
      else waiting.push(news)
    },
    release() {
      const held = waiting ?? []
      waiting = undefined
      for (const news of held) tell(news)
    },
  }
}
