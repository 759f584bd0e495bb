import { encodeMessage, type Message } from '@layerswarm/swarm'
import { pause } from '../deadline.ts'
import { PUBLISH_ATTEMPTS_MAX, PUBLISH_RETRY_MS } from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'

/** Says messages in topics; best effort, never throws. */
export interface Publisher {
  /** @param ready what is waited for before it goes out. */
  publish(message: Message, topic: string, ready: Promise<unknown> | undefined): void
  /** Resolves when everything published before has been handed to libp2p. */
  flush(): Promise<void>
  /** Nothing is tried again. */
  stop(): void
}

/** @param bytes where what is sent is counted: payload bytes, times the peers sent to. */
export function createPublisher(
  { services: { pubsub } }: SwarmNode,
  bytes: { gossipOut: number },
): Publisher {
  const publishing = new Set<Promise<void>>()
  const stopped = new AbortController()

  async function send(
    message: Message,
    topic: string,
    ready: Promise<unknown> | undefined,
  ): Promise<void> {
    const data = encodeMessage(message)
    await ready
    for (let attempt = 0; attempt < PUBLISH_ATTEMPTS_MAX && !stopped.signal.aborted; attempt++) {
      const { recipients } = await pubsub.publish(topic, data)
      bytes.gossipOut += data.length * recipients.length
      // A neighbour that is known to listen, but whose stream is only being opened, got nothing.
      if (recipients.length > 0 || pubsub.getSubscribers(topic).length === 0) return
      await pause(PUBLISH_RETRY_MS, stopped.signal)
    }
  }

  return {
    publish(message, topic, ready) {
      const ended = () => {
        publishing.delete(sent)
      }
      // Best effort: the node is stopping, or nobody is there to hear it. Steps are offered again.
      const sent: Promise<void> = send(message, topic, ready).then(ended, ended)
      publishing.add(sent)
    },
    async flush() {
      await Promise.all(publishing)
    },
    stop: () => stopped.abort(),
  }
}
