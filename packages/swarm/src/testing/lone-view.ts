import type { AccessSpeed } from '../ports.ts'
import type { LaneView } from '../presence/lane-view.ts'
import { Neighbourhood } from '../presence/neighbourhood.ts'
import { PeerTable } from '../presence/peer-table.ts'
import { Ways } from '../presence/ways.ts'
import type { PeerId } from '../wire/messages.ts'

/** What a member sees of a lane in which nobody has announced itself: it reaches these peers, all as far away. */
export function loneView(
  self: PeerId,
  reached: readonly PeerId[],
  rttMs: number,
  speed: AccessSpeed = { upload: undefined, download: undefined },
): LaneView {
  const table = new PeerTable('')
  const neighbourhood = new Neighbourhood(self, {
    reaches: (peer) => reached.includes(peer),
    rttMs: (peer) => (reached.includes(peer) ? rttMs : undefined),
  })
  const ways = new Ways({ self, accessSpeed: () => speed }, table, neighbourhood)
  return { table, neighbourhood, ways }
}
