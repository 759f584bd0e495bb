import type { PeerTable } from '../presence/peer-table.ts'
import type { PeerId } from '../wire/messages.ts'
import type { Flight } from './flight.ts'
import { PULLERS_MAX } from './limits.ts'

/**
 * Gives up a flight's newest tensor when PULLERS_MAX peers could not pull it, or its holder is gone: only the
 * requester can help, who has been told so, and has an older step go on.
 */
export function judgeTensor(flight: Flight, table: PeerTable, self: PeerId): void {
  const { activation } = flight.newest
  if (activation.place === 'inline') return
  const isGone = activation.holder !== self && table.get(activation.holder) === undefined
  if (isGone || flight.doubts.pullsFailed >= PULLERS_MAX) flight.loseTensor()
}
