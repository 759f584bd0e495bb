import type { SwarmNode } from '../node/libp2p-config.ts'

/**
 * Waits until a connected peer has told us that it follows a topic: what is published before
 * reaches nobody. @returns false when none did within `ms` or the signal aborted.
 */
export function subscriberMet(
  { services: { pubsub } }: SwarmNode,
  topic: string,
  wanted: (peer: string) => boolean,
  ms: number,
  signal: AbortSignal,
): Promise<boolean> {
  const met = () => pubsub.getSubscribers(topic).some((peer) => wanted(peer.toString()))
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      pubsub.removeEventListener('subscription-change', look)
      signal.removeEventListener('abort', finish)
      resolve(met())
    }
    const look = () => {
      if (met()) finish()
    }
    const timer = setTimeout(finish, ms)
    pubsub.addEventListener('subscription-change', look)
    signal.addEventListener('abort', finish, { once: true })
    if (signal.aborted || met()) finish()
  })
}
