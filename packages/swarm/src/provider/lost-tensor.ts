import type { PeerTable } from '../presence/peer-table.ts'
import type { PeerId } from '../wire/messages.ts'
import type { Flight } from './flight.ts'
import { PULLERS_MAX } from './limits.ts'

/**
 * Whether a flight's newest tensor must be given up: PULLERS_MAX peers could not pull it, or its holder
 * is gone. Then the step before is offered again; without one only the requester can help, who offers
 * its own tensor when nothing moves.
 */
export function isTensorLost(flight: Flight, table: PeerTable, self: PeerId): boolean {
  const { activation } = flight.newest
  if (activation.place === 'inline') return false
  const isGone = activation.holder !== self && table.get(activation.holder) === undefined
  return isGone || flight.pullsFailed >= PULLERS_MAX
}
