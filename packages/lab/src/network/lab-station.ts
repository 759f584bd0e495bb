import type { PeerId, TensorHash, TransportEvents } from '@layerswarm/swarm'
import type { Session } from '../scenarios/population.ts'
import type { Lane } from './lane.ts'

/** A direct connection, seen from one end. */
export interface Link {
  readonly to: LabStation
  /** One way, milliseconds. */
  readonly latencyMs: number
}

/** What has crossed one station's access. */
export interface StationTraffic {
  sentBytes: number
  controlBytes: number
  copies: number
}

/** One peer's place in the network: its access, its connections and what it holds for others. */
export class LabStation {
  readonly session: Session
  readonly serves: boolean
  readonly links: Link[] = []
  /** The connections on which it forwards what others say. */
  readonly mesh: Link[] = []
  readonly tensors = new Map<TensorHash, Uint8Array>()
  readonly traffic: StationTraffic = { sentBytes: 0, controlBytes: 0, copies: 0 }
  lane: Lane | undefined
  slot = -1
  events: TransportEvents | undefined
  alive = true
  /** Its sockets are open and nobody reads them. */
  frozen = false
  /** Whom it does not listen to, and until when. */
  readonly banned = new Map<PeerId, number>()
  /** What arrived meanwhile. */
  readonly unread: (() => void)[] = []
  upFreeAtMs = 0
  downFreeAtMs = 0
  pulledAtMs = 0
  quotaAtMs = 0
  quotaLeft = 0

  constructor(session: Session, serves: boolean) {
    this.session = session
    this.serves = serves
  }

  get peer(): PeerId {
    return this.session.peer
  }

  isLinkedTo(other: LabStation): boolean {
    return this.links.some(({ to }) => to === other)
  }

  unlink(other: LabStation): void {
    drop(this.links, other)
    drop(this.mesh, other)
  }
}

function drop(links: Link[], other: LabStation): void {
  const at = links.findIndex(({ to }) => to === other)
  if (at < 0) return
  links[at] = links.at(-1) as Link
  links.pop()
}
