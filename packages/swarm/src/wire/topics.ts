import { LANES_MAX } from '../limits.ts'
import { TOPIC_RELEASE_BYTES } from './limits.ts'
import { type Message, PROTOCOL_VERSION } from './messages.ts'

/** What of a release's hash stands in its topics, which travel with every message. @param release the hash, hex. */
export function topicRelease(release: string): string {
  return release.slice(0, 2 * TOPIC_RELEASE_BYTES)
}
/** Where the presence of a lane goes; bootstrap nodes are members of these topics and of no other. */
export function presenceTopic(release: string, lane: number): string {
  return `layerswarm/${PROTOCOL_VERSION}/${topicRelease(release)}/presence/${lane}`
}
/** Where the steps, claims and ends of a lane go: the gossip topic in which a group of peers serves one release. */
export function laneTopic(release: string, lane: number): string {
  return `layerswarm/${PROTOCOL_VERSION}/${topicRelease(release)}/lane/${lane}`
}

/** The topic in which a message of this kind travels. */
export function topicOf(kind: Message['kind'], release: string, lane: number): string {
  return kind === 'presence' ? presenceTopic(release, lane) : laneTopic(release, lane)
}

/** What a topic is for. */
export interface Topic {
  readonly carries: 'presence' | 'lane'
  /** What `topicRelease` makes of the hash of the release's manifest. */
  readonly release: string
  /** From 0 to LANES_MAX − 1. */
  readonly lane: number
}

const TOPIC = new RegExp(
  `^layerswarm/${PROTOCOL_VERSION}/([0-9a-f]{${2 * TOPIC_RELEASE_BYTES}})/(presence|lane)/(0|[1-9][0-9]{0,4})$`,
)

/** What a topic is for; undefined for one that is none of this protocol's. */
export function parseTopic(topic: string): Topic | undefined {
  const [, release, carries, number] = TOPIC.exec(topic) ?? []
  const lane = Number(number)
  if (release === undefined || !(lane < LANES_MAX)) return undefined
  return { carries: carries === 'presence' ? 'presence' : 'lane', release, lane }
}
