import { FLIGHTS_MAX, ROUND_LEGS, TRAIL_MS, TRAILS_MAX } from '../limits.ts'
import { along, bendOf, eased } from './curve.ts'
import type { Light, Stop, Trail } from './flights.ts'
import type { Place } from './ring-layout.ts'

/** The lights of requests that are answered in rounds, as a function of the time that is handed in. */
export interface RoundFlights {
  /** Where peers stand now. */
  place(places: ReadonlyMap<string, Place>): void
  /**
   * An own request has come this far: as many of its route ran at once, round by round.
   * @param hub who asks, where every round begins and ends.
   */
  seen(
    request: string,
    route: readonly Stop[],
    rounds: readonly number[],
    hub: string,
    nowMs: number,
  ): void
  /** What to draw at that time. */
  frame(nowMs: number): { readonly lights: readonly Light[]; readonly trails: readonly Trail[] }
  /** Nothing moves or fades any more. */
  isStill(nowMs: number): boolean
}

/** One round: the picture at several peers at once. */
interface Burst {
  readonly hub: string
  /** Everybody who ran layers of it, and the first of their layers, which gives the light its colour. */
  readonly stops: readonly Stop[]
  startMs: number
}

interface Flight {
  /** Rounds of it that were seen. */
  rounds: number
  readonly queue: Burst[]
  burst: Burst | undefined
}

/**
 * Every round of a request as lights that leave its hub together, one for each peer, and come back together.
 * @param legMs how long one way takes in the picture; 0 shows where lights went without moving them.
 */
export function createRoundFlights(legMs: () => number): RoundFlights {
  return new RoundBoard(legMs)
}

class RoundBoard implements RoundFlights {
  private places: ReadonlyMap<string, Place> = new Map()
  private readonly flights = new Map<string, Flight>()
  private trails: { readonly burst: Burst; readonly bornMs: number }[] = []
  private readonly legMs: () => number

  constructor(legMs: () => number) {
    this.legMs = legMs
  }

  place(places: ReadonlyMap<string, Place>): void {
    this.places = places
  }

  seen(
    request: string,
    route: readonly Stop[],
    rounds: readonly number[],
    hub: string,
    nowMs: number,
  ): void {
    const flight = this.flights.get(request) ?? this.begin(request)
    let first = 0
    for (const [index, size] of rounds.entries()) {
      const stops = onePerPeer(route.slice(first, first + size))
      if (index >= flight.rounds) flight.queue.push({ hub, stops, startMs: nowMs })
      first += size
    }
    flight.rounds = Math.max(flight.rounds, rounds.length)
  }

  frame(nowMs: number): { lights: Light[]; trails: Trail[] } {
    const lights: Light[] = []
    for (const [request, flight] of this.flights) {
      const burst = this.advance(flight, nowMs)
      if (burst !== undefined) lights.push(...this.lightsOf(burst, nowMs))
      else this.flights.delete(request)
    }
    this.trails = this.trails.filter(({ bornMs }) => nowMs - bornMs < TRAIL_MS)
    const trails = this.trails.flatMap(({ burst, bornMs }) =>
      this.trailsOf(burst, 1 - (nowMs - bornMs) / TRAIL_MS),
    )
    return { lights, trails }
  }

  isStill(nowMs: number): boolean {
    return this.flights.size === 0 && this.trails.every(({ bornMs }) => nowMs - bornMs >= TRAIL_MS)
  }

  private begin(request: string): Flight {
    const flight: Flight = { rounds: 0, queue: [], burst: undefined }
    const [oldest] = this.flights.keys()
    if (this.flights.size >= FLIGHTS_MAX && oldest !== undefined) this.flights.delete(oldest)
    this.flights.set(request, flight)
    return flight
  }

  /** The round that is drawn at that time; undefined when all have been. */
  private advance(flight: Flight, nowMs: number): Burst | undefined {
    for (;;) {
      flight.burst ??= this.next(flight, nowMs)
      const { burst } = flight
      if (burst === undefined || nowMs < burst.startMs + ROUND_LEGS * this.legMs()) return burst
      flight.burst = undefined
      if (this.trails.length >= TRAILS_MAX) this.trails.shift()
      this.trails.push({ burst, bornMs: nowMs })
    }
  }

  private next({ queue }: Flight, nowMs: number): Burst | undefined {
    const burst = queue.shift()
    if (burst !== undefined) burst.startMs = nowMs
    return burst
  }

  private lightsOf({ hub, stops, startMs }: Burst, nowMs: number): Light[] {
    const home = this.places.get(hub)
    if (home === undefined) return []
    const legs = (nowMs - startMs) / Math.max(1, this.legMs())
    return stops.flatMap(({ peer, layer }): Light[] => {
      const place = this.places.get(peer)
      if (place === undefined) return []
      const at = { layer, own: true }
      // It works where it is while the others are on their way.
      if (peer === hub) return [{ x: home.x, y: home.y, ...at, pulse: (legs / ROUND_LEGS) % 1 }]
      if (legs < 1) return [{ ...along(home, place, eased(legs)), ...at, pulse: undefined }]
      if (legs < 2) return [{ x: place.x, y: place.y, ...at, pulse: legs - 1 }]
      return [{ ...along(place, home, eased(Math.min(1, legs - 2))), ...at, pulse: undefined }]
    })
  }

  private trailsOf({ hub, stops }: Burst, strength: number): Trail[] {
    const from = this.places.get(hub)
    return stops.flatMap(({ peer, layer }): Trail[] => {
      const to = this.places.get(peer)
      if (from === undefined || to === undefined || peer === hub) return []
      return [{ from, bend: bendOf(from, to), to, layer, strength, own: true }]
    })
  }
}

function onePerPeer(stops: readonly Stop[]): Stop[] {
  return [...new Map(stops.toReversed().map((stop) => [stop.peer, stop])).values()]
}
