import { WAY_UNKNOWN_MS } from '../claims/limits.ts'
import type { AccessSpeed } from '../ports.ts'
import type { PeerId } from '../wire/messages.ts'
import { ACCESS_BYTES_PER_MS } from './limits.ts'
import type { Neighbourhood } from './neighbourhood.ts'
import type { PeerTable } from './peer-table.ts'

/** Whose ways these are. */
export interface WaysOptions {
  readonly self: PeerId
  readonly accessSpeed: () => AccessSpeed
}

/** How far the members of a lane are, and how fast their accesses, as measured here or announced. */
export class Ways {
  private readonly options: WaysOptions
  private readonly table: PeerTable
  private readonly neighbourhood: Neighbourhood

  constructor(options: WaysOptions, table: PeerTable, neighbourhood: Neighbourhood) {
    this.options = options
    this.table = table
    this.neighbourhood = neighbourhood
  }

  reaches(peer: PeerId): boolean {
    return this.neighbourhood.reaches(peer)
  }

  /** Round trip, milliseconds; a guess while it is not measured. */
  rttMs(peer: PeerId): number {
    return this.neighbourhood.rttMs(peer) ?? WAY_UNKNOWN_MS / 4
  }

  /** Bytes per millisecond that a peer, or this member, sends. @param unmeasured of an access that nobody has measured. */
  uploadBytesPerMs(peer: PeerId, unmeasured = ACCESS_BYTES_PER_MS): number {
    if (peer === this.options.self) return this.options.accessSpeed().upload ?? unmeasured
    return this.table.get(peer)?.presence.upload || unmeasured
  }

  /** Bytes per millisecond that a peer, or this member, receives. @param unmeasured of an access that nobody has measured. */
  downloadBytesPerMs(peer: PeerId, unmeasured = ACCESS_BYTES_PER_MS): number {
    if (peer === this.options.self) return this.options.accessSpeed().download ?? unmeasured
    return this.table.get(peer)?.presence.download || unmeasured
  }

  /** Bytes from one peer to another through both accesses, milliseconds. */
  transferMs(bytes: number, from: PeerId, to: PeerId): number {
    return bytes / this.uploadBytesPerMs(from) + bytes / this.downloadBytesPerMs(to)
  }
}
