import type { Effect } from '../effects.ts'
import { CLAIM_TTL_MS_MAX } from '../limits.ts'
import type { Neighbourhood } from '../presence/neighbourhood.ts'
import { authorBefore } from '../step.ts'
import type { Claim, PeerId } from '../wire/messages.ts'
import type { Flight } from './flight.ts'
import { AT_WORK_MS, TRANSFER_FACTOR } from './limits.ts'
import type { Visit } from './visit.ts'

/**
 * What a provider says of its own work, and of the work of those who cannot say so themselves.
 *
 * 1. A claim and its release name the era and the hop of the step that was claimed.
 * 2. Of a step that names this provider only those hear who wait for it, its author and the requester; of
 *    any other the lane.
 * 3. For somebody else it speaks only where they have no way to the requester.
 */
export class Notices {
  private readonly self: PeerId
  private readonly neighbourhood: Neighbourhood

  constructor(self: PeerId, neighbourhood: Neighbourhood) {
    this.self = self
    this.neighbourhood = neighbourhood
  }

  /** It takes a step that nobody is named for. */
  claimed({ flight, layer }: Visit, ttlMs: number): Effect[] {
    return [{ do: 'publish', message: claimOf(flight, layer, ttlMs) }]
  }

  /** "I am at it", to whoever named this provider and to the requester. */
  atWork({ flight, layer }: Visit, ttlMs: number): Effect[] {
    return this.tell(flight, claimOf(flight, layer, Math.min(CLAIM_TTL_MS_MAX, ttlMs)))
  }

  /** The engine is to be at a visit for so long, milliseconds: of work that it was named for it says so. */
  runsOn(visit: Visit, runMs: number): Effect[] {
    return this.isNamed(visit.flight)
      ? this.atWork(visit, AT_WORK_MS + TRANSFER_FACTOR * runMs)
      : []
  }

  /** It does not go on with a visit, so others may. @param lost its tensor cannot be had by anybody. */
  released({ flight, layer }: Visit, lost: boolean): Effect[] {
    const message = { ...claimOf(flight, layer, 0), lost }
    if (!this.isNamed(flight)) return [{ do: 'publish', message }]
    return [...this.tell(flight, message), ...(lost ? this.lost(flight, undefined, message) : [])]
  }

  /**
   * The tensor of a step is gone with its author, who had no way to the requester: whoever came last before that
   * author says so to the requester, or passes it on in turn.
   *
   * @param at the hop of that step; `from` says so, undefined for this member itself.
   */
  lost(flight: Flight, from: PeerId | undefined, { hop }: Pick<Claim, 'hop'>): Effect[] {
    const { self, neighbourhood } = this
    const { requester, route } = flight.newest
    const { author } = flight
    if (requester === self || author === undefined) return []
    if (from === undefined && neighbourhood.wayMs(author, requester) !== undefined) return []
    const names = route.map(({ peer }) => peer)
    // From its first visit on: two who were visited in turn would pass it on to one another for ever.
    const end = from === undefined ? names.lastIndexOf(author) : names.indexOf(self)
    // It heard what the whole lane was told.
    if (end < 0) return []
    const before = names.slice(0, end)
    const isHeard = from !== undefined && neighbourhood.reaches(requester)
    const to = isHeard
      ? requester
      : before.findLast((peer) => peer !== self && peer !== author && neighbourhood.reaches(peer))
    if (to === undefined) return []
    return [
      { do: 'tell', message: { ...claimOf(flight, undefined, 0), hop, lost: true }, to: [to] },
    ]
  }

  /** It will not do what it was named for. */
  declined(flight: Flight): Effect[] {
    return this.tell(flight, claimOf(flight, undefined, 0))
  }

  /**
   * Somebody is at work who has no way to the requester: this member says so for them, or has the author
   * before it say so, who passes it on in turn.
   *
   * @param at for how long whoever is at work is vouched for, milliseconds (0 for not at all), and on which hop.
   */
  alive(flight: Flight, from: PeerId, { ttlMs, hop }: Pick<Claim, 'ttlMs' | 'hop'>): Effect[] {
    const { self, neighbourhood } = this
    const { requester } = flight.newest
    if (ttlMs === 0 || requester === self) return []
    if (neighbourhood.wayMs(from, requester) !== undefined) return []
    const to = neighbourhood.reaches(requester) ? requester : authorBefore(flight.newest, self)
    if (to === self || !neighbourhood.reaches(to)) return []
    return [{ do: 'tell', message: { ...claimOf(flight, undefined, ttlMs), hop }, to: [to] }]
  }

  private tell(flight: Flight, message: Claim): Effect[] {
    const { requester } = flight.newest
    const to = new Set([flight.author ?? requester, requester])
    to.delete(this.self)
    return to.size === 0 ? [] : [{ do: 'tell', message, to: [...to] }]
  }

  private isNamed(flight: Flight): boolean {
    return flight.newest.next === this.self
  }
}

/** A claim on the newest step; with a time to live of 0 the end of one. */
function claimOf({ request, newest }: Flight, layer: number | undefined, ttlMs: number): Claim {
  const { era, route } = newest
  return { kind: 'claim', request, era, hop: route.length, layer: layer ?? 0, ttlMs, lost: false }
}
