import { FLIGHT_FORGET_MS, FLIGHTS_MAX, TRAIL_MS, TRAILS_MAX } from '../limits.ts'
import { along, bendOf, eased, type Point } from './curve.ts'
import type { Place } from './ring-layout.ts'

/** One layer applied to a request, as far as the picture cares. */
export interface Stop {
  readonly layer: number
  readonly peer: string
}

/**
 * A light to draw: on its way, or (`pulse` from 0 to 1) where the next layer is applied on the spot. That
 * of the latest own request also rests where the request is, until its answer is home.
 */
export interface Light {
  readonly x: number
  readonly y: number
  /** undefined on the way home and before the first hop, where no layer is applied. */
  readonly layer: number | undefined
  readonly own: boolean
  readonly pulse: number | undefined
}

/** A way that a light has taken, or the part of it up to `part` (0 to 1); it fades with `strength`. */
export interface Trail {
  readonly from: Point
  readonly bend: Point
  readonly to: Point
  readonly layer: number | undefined
  readonly strength: number
  readonly own: boolean
}

interface Leg {
  readonly from: string
  readonly to: string
  readonly layer: number | undefined
}

interface Flight {
  readonly request: string
  readonly own: boolean
  at: string | undefined
  stops: readonly Stop[]
  readonly queue: Leg[]
  leg: Leg | undefined
  legStartMs: number
  legMs: number
  seenMs: number
}

interface Left {
  readonly request: string
  readonly leg: Leg
  readonly own: boolean
  readonly bornMs: number
}

/** The lights of all requests on their way, as a function of the time that is handed in. */
export interface Flights {
  /** Where peers stand now; a light on its way bends to the new places. */
  place(places: ReadonlyMap<string, Place>): void
  /** A request has come this far. @param start where an own request begins. */
  seen(request: string, route: readonly Stop[], start: string | undefined, nowMs: number): void
  /** The answer of an own request is there: the light returns to `peer`. */
  home(request: string, peer: string, nowMs: number): void
  /** What to draw at that time. */
  frame(nowMs: number): { readonly lights: readonly Light[]; readonly trails: readonly Trail[] }
  /** Nothing moves or fades any more. */
  isStill(nowMs: number): boolean
}

/**
 * Requests as lights that move from peer to peer along their hops; no drawing, no timers.
 * @param legMs how long one hop takes in the picture; 0 shows where a light went without moving it.
 */
export function createFlights(legMs: () => number): Flights {
  return new FlightBoard(legMs)
}

class FlightBoard implements Flights {
  private places: ReadonlyMap<string, Place> = new Map()
  private readonly flights = new Map<string, Flight>()
  private trails: Left[] = []
  private latestOwn = ''
  private readonly legMs: () => number

  constructor(legMs: () => number) {
    this.legMs = legMs
  }

  place(places: ReadonlyMap<string, Place>): void {
    this.places = places
  }

  seen(request: string, route: readonly Stop[], start: string | undefined, nowMs: number): void {
    const known = this.flights.get(request)
    // That a request is this tab's may be known only after its first step was heard.
    const isOwn = start !== undefined
    const flight =
      known === undefined || known.own !== isOwn ? this.begin(request, start, nowMs) : known
    flight.seenMs = nowMs
    const shared = commonStops(flight.stops, route)
    // Back to an older step, or an old message: what was drawn stays drawn.
    if (shared < flight.stops.length && route.length <= flight.stops.length) return
    for (const { peer, layer } of route.slice(shared)) this.add(flight, peer, layer)
    flight.stops = route
  }

  home(request: string, peer: string, nowMs: number): void {
    const flight = this.flights.get(request)
    if (flight === undefined) return
    flight.seenMs = nowMs
    this.add(flight, peer, undefined)
  }

  frame(nowMs: number): { lights: Light[]; trails: Trail[] } {
    const lights: Light[] = []
    for (const flight of this.flights.values()) {
      this.advance(flight, nowMs)
      const light = this.lightOf(flight, nowMs)
      if (light !== undefined) lights.push(light)
      else if (nowMs - flight.seenMs > FLIGHT_FORGET_MS) this.flights.delete(flight.request)
    }
    this.trails = this.trails.filter((trail) => this.strength(trail, nowMs) > 0)
    const drawn = this.trails.flatMap((trail) => this.trailOf(trail, nowMs))
    return { lights, trails: drawn }
  }

  isStill(nowMs: number): boolean {
    for (const { leg, queue } of this.flights.values())
      if (leg !== undefined || queue.length > 0) return false
    return this.trails.every((trail) => this.stays(trail) || this.strength(trail, nowMs) <= 0)
  }

  private begin(request: string, start: string | undefined, nowMs: number): Flight {
    const flight: Flight = {
      request,
      own: start !== undefined,
      at: start,
      stops: [],
      queue: [],
      leg: undefined,
      legStartMs: 0,
      legMs: 0,
      seenMs: nowMs,
    }
    if (flight.own) this.latestOwn = request
    if (this.flights.size >= FLIGHTS_MAX) this.forgetOldest()
    this.flights.set(request, flight)
    return flight
  }

  private forgetOldest(): void {
    const all = [...this.flights.values()]
    const oldest = all.find(({ own }) => !own) ?? all[0]
    if (oldest !== undefined) this.flights.delete(oldest.request)
  }

  /** The way to `peer` from wherever the light is or will be by then. */
  private add(flight: Flight, peer: string, layer: number | undefined): void {
    if (!this.places.has(peer)) return
    const last = flight.queue.at(-1)?.to ?? flight.leg?.to ?? flight.at ?? peer
    flight.queue.push({ from: last, to: peer, layer })
  }

  private advance(flight: Flight, nowMs: number): void {
    for (;;) {
      if (flight.leg === undefined) {
        const next = flight.queue.shift()
        if (next === undefined) return
        flight.leg = next
        flight.legStartMs = nowMs
        // A light that falls behind its request hurries.
        flight.legMs = this.legMs() / (1 + flight.queue.length / 3)
      }
      if (nowMs < flight.legStartMs + flight.legMs) return
      this.leave(flight, nowMs)
    }
  }

  private leave(flight: Flight, nowMs: number): void {
    const { leg, request, own } = flight
    if (leg === undefined) return
    // Home, where the light goes out.
    flight.at = leg.layer === undefined ? undefined : leg.to
    flight.leg = undefined
    if (leg.from === leg.to) return
    if (this.trails.length >= TRAILS_MAX) this.trails.shift()
    this.trails.push({ request, leg, own, bornMs: nowMs })
  }

  private lightOf(flight: Flight, nowMs: number): Light | undefined {
    const { leg, own } = flight
    if (leg === undefined) return this.restingLight(flight)
    const from = this.places.get(leg.from)
    const to = this.places.get(leg.to)
    if (from === undefined || to === undefined) return undefined
    const part = Math.min(1, (nowMs - flight.legStartMs) / Math.max(1, flight.legMs))
    if (leg.from === leg.to) return { x: to.x, y: to.y, layer: leg.layer, own, pulse: part }
    return { ...along(from, to, eased(part)), layer: leg.layer, own, pulse: undefined }
  }

  private restingLight({ request, at, own, stops }: Flight): Light | undefined {
    const place = at === undefined ? undefined : this.places.get(at)
    if (place === undefined || request !== this.latestOwn) return undefined
    return { x: place.x, y: place.y, layer: stops.at(-1)?.layer, own, pulse: undefined }
  }

  private trailOf(trail: Left, nowMs: number): Trail[] {
    const { leg, own } = trail
    const from = this.places.get(leg.from)
    const to = this.places.get(leg.to)
    if (from === undefined || to === undefined) return []
    const strength = this.strength(trail, nowMs)
    return [{ from, bend: bendOf(from, to), to, layer: leg.layer, strength, own }]
  }

  private strength(trail: Left, nowMs: number): number {
    return this.stays(trail) ? 1 : 1 - (nowMs - trail.bornMs) / TRAIL_MS
  }

  private stays({ request }: Left): boolean {
    return request === this.latestOwn
  }
}

/** How many stops two routes share from their beginning. */
function commonStops(a: readonly Stop[], b: readonly Stop[]): number {
  const most = Math.min(a.length, b.length)
  let count = 0
  while (count < most && a[count]?.layer === b[count]?.layer && a[count]?.peer === b[count]?.peer)
    count++
  return count
}
