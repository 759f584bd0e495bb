import type { Neighbourhood } from './neighbourhood.ts'
import type { PeerTable } from './peer-table.ts'
import type { Ways } from './ways.ts'

/** Who is known in the lane, and how far off; read by whoever chooses among them, changed by the membership alone. */
export interface LaneView {
  readonly table: PeerTable
  readonly neighbourhood: Neighbourhood
  readonly ways: Ways
}
