import { laneTopic, type Message, type Presence, presenceTopic, topicOf } from '@layerswarm/swarm'
import { PRESENCE_READY_TIMEOUT_MS } from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { subscriberMet } from './subscribers.ts'

/** The two topics of a lane. */
export interface LaneTopics {
  readonly presence: string
  readonly lane: string
}

/** The lane of its release that a transport is in, and where messages go from there. */
export interface LanePlace {
  readonly lane: number
  readonly topics: LaneTopics
  /** Members of the lane to which there is a connection. */
  links(): number
  /** @returns whether it was in another lane. */
  enter(lane: number): boolean
  /** Waits for a bootstrap node that is connected to listen in this lane. */
  meet(stopped: AbortSignal): void
  /** Where a message goes: presence to the lane that it is about, everything else to this one. */
  topicOf(message: Message): string
  /** What presence in this lane waits for before it goes out; undefined for everything else. */
  readyFor(message: Message): Promise<unknown> | undefined
  isPresenceHere(message: Message): message is Presence
}

/** @param isForwarder bootstrap nodes, which forward presence. */
export function createLanePlace(
  { node, isForwarder }: { readonly node: SwarmNode; isForwarder(peer: string): boolean },
  release: string,
  first: number,
): LanePlace {
  let lane = first
  let isHeard: Promise<unknown> = Promise.resolve()

  function isPresenceHere(message: Message): message is Presence {
    return message.kind === 'presence' && message.release === release && message.lane === lane
  }

  return {
    get lane() {
      return lane
    },
    get topics() {
      return { presence: presenceTopic(release, lane), lane: laneTopic(release, lane) }
    },
    links: () => node.services.pubsub.getSubscribers(laneTopic(release, lane)).length,
    enter(entered) {
      const isOther = entered !== lane
      lane = entered
      return isOther
    },
    meet(stopped) {
      const topic = presenceTopic(release, lane)
      const hasForwarder = node.getPeers().some((peer) => isForwarder(peer.toString()))
      isHeard = hasForwarder
        ? subscriberMet(node, topic, isForwarder, PRESENCE_READY_TIMEOUT_MS, stopped)
        : Promise.resolve()
    },
    topicOf: (message) =>
      topicOf(message.kind, release, message.kind === 'presence' ? message.lane : lane),
    readyFor: (message) => (isPresenceHere(message) ? isHeard : undefined),
    isPresenceHere,
  }
}
