import type { Effect } from '../effects.ts'
import type { Neighbourhood } from '../presence/neighbourhood.ts'
import type { Claim, PeerId } from '../wire/messages.ts'
import { authorBefore } from './author.ts'
import type { Flight } from './flight.ts'
import { claimOf } from './serving.ts'

/**
 * Somebody is at work who has no way to the requester: this member says so for them, or has the author
 * before it say so, who passes it on in turn.
 *
 * @param at for how long whoever is at work is vouched for, milliseconds (0 for not at all), and on which hop.
 */
export function signOfLife(
  flight: Flight,
  from: PeerId,
  { ttlMs, hop }: Pick<Claim, 'ttlMs' | 'hop'>,
  self: PeerId,
  neighbourhood: Neighbourhood,
): Effect[] {
  const { requester } = flight.newest
  if (ttlMs === 0 || requester === self) return []
  if (neighbourhood.wayMs(from, requester) !== undefined) return []
  const to = neighbourhood.reaches(requester) ? requester : authorBefore(flight.newest, self)
  if (to === self || !neighbourhood.reaches(to)) return []
  return [{ do: 'tell', message: { ...claimOf(flight, undefined, ttlMs), hop }, to: [to] }]
}
