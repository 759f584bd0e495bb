import type { RelayState } from '../node/reach.ts'

/** What became of a server of the swarm. */
export interface ServerChange {
  readonly url: string
  /** Connected; away for now, and tried again; or of no use, and looked at again later. */
  readonly state: 'met' | 'away' | 'refused'
  /** Why it is away or refused, one line; empty when it was met. */
  readonly reason: string
}

/** A server of the swarm and what is held there. */
export interface ServerSnapshot {
  readonly url: string
  readonly relay: RelayState
}
