import type { EngineName } from '@layerswarm/model'
import type { PeerId } from './wire/messages.ts'

/** Another member as this one knows it, as plain data; times in milliseconds. */
export interface KnownPeerSnapshot {
  readonly peer: PeerId
  readonly layers: readonly number[]
  /** Hash of the manifest of the release that they are of, hex; undefined for that of the lane. */
  readonly weights: string | undefined
  readonly backend: EngineName
  readonly layerMs: number
  readonly freeSlots: number
  readonly ageMs: number
}

/** A member as plain data; times in milliseconds. */
export interface MemberSnapshot {
  readonly self: PeerId
  readonly release: string
  /** The lane of the release that it is in. */
  readonly lane: number
  readonly hosted: readonly number[]
  readonly loading: readonly number[]
  readonly paused: boolean
  readonly peers: readonly KnownPeerSnapshot[]
  /** Living hosts of each layer, this member included. */
  readonly coverage: readonly number[]
  readonly served: number
  readonly layerMs: number
  /** Part of the time that layer runs may take. */
  readonly timeShare: number
  readonly following: number
  readonly requestsInFlight: number
  /** What it is doing, or why nothing happens; for people. */
  readonly reason: string
}

/** What `reasonOf` looks at. */
export interface Situation {
  readonly paused: boolean
  /** Layers on their way, hosted, and to be hosted. */
  readonly loading: number
  readonly hosted: number
  readonly capacity: number
  readonly isRunning: boolean
  readonly isResting: boolean
  /** Other members. */
  readonly peers: number
  /** Hosts of each layer, this member included. */
  readonly coverage: readonly number[]
}

/** One line for people: what a member is doing, or why nothing happens. */
export function reasonOf(situation: Situation): string {
  const { paused, loading, hosted, capacity, isRunning, isResting, coverage } = situation
  if (paused) return 'paused: hosts nothing until resumed'
  if (loading > 0) return `loading ${plural(loading, 'layer')}`
  if (isRunning) return 'computing'
  if (isResting) return 'resting: it serves a share of the time only'
  if (hosted === 0 && capacity > 0) return 'listening to choose the rarest layers'
  const peers = plural(situation.peers, 'other peer')
  const isAlone = situation.peers === 0
  if (hosted === 0)
    return isAlone
      ? 'waiting for others, hosting nothing'
      : `connected to ${peers}, hosting nothing`
  const waiting = isAlone ? 'waiting for others' : `waiting for requests with ${peers}`
  const missing = coverage.filter((hosts) => hosts === 0).length
  if (missing > 0) return `${waiting}; ${missing} of ${coverage.length} layers have no host yet`
  return waiting
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
