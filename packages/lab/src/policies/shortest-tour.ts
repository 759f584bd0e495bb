import { WORD_BITS } from '../limits.ts'

/** A provider that a tour may stop at. */
export interface TourPlace {
  /** Layers that it hosts, as numbers below the model's. */
  readonly layers: readonly number[]
  /** One layer run there, milliseconds. */
  readonly layerMs: number
}

/** What a tour is sought in: places by their index, times in milliseconds, Infinity where there is no way. */
export interface TourNeeds {
  /** Layers of the model. */
  readonly layers: number
  readonly places: readonly TourPlace[]
  /** From the requester to each place. */
  readonly outMs: readonly number[]
  /** From each place to the requester. */
  readonly backMs: readonly number[]
  /** From one place to another. */
  wayMs(from: number, to: number): number
}

/** One stop of a tour: all layers that were open and hosted there are run. */
export interface TourStop {
  readonly place: number
  readonly layers: readonly number[]
  readonly runMs: number
}

/** How hard a tour is sought. */
export interface TourSearch {
  /** Models of at most so many layers are searched exactly; the table has 2^layers rows. */
  readonly exactLayersMax: number
  /** Tours that are kept at each stop of a larger one. */
  readonly beam: number
}

/** A tour so far. A set of up to 64 layers is two words of 32 bits. */
interface Tour {
  readonly ms: number
  readonly low: number
  readonly high: number
  readonly place: number
  readonly before: Tour | undefined
}

/**
 * The shortest way from the requester over places that together host all layers and back, running at
 * each stop whatever is open; undefined where there is none. Exact by dynamic programming over (layers
 * done, place), as Held and Karp did it for the travelling salesman (1962), up to
 * `exactLayersMax` layers; the best that a beam finds beyond.
 */
export function shortestTour(
  needs: TourNeeds,
  { exactLayersMax, beam }: TourSearch,
): { ms: number; stops: TourStop[] } | undefined {
  const found = beamTour(needs, beam)
  const best = needs.layers > exactLayersMax ? found : exactTour(needs, found)
  if (best === undefined) return undefined
  const ms = best.ms + (needs.backMs[best.place] as number)
  return { ms, stops: stopsOf(best, needs) }
}

/** What one visit from a partial tour adds; undefined when it adds no layer or there is no way. */
function visit(
  needs: TourNeeds,
  sets: readonly { low: number; high: number }[],
  from: Tour | undefined,
  place: number,
): Tour | undefined {
  const hosted = sets[place] as { low: number; high: number }
  const low = hosted.low & ~(from?.low ?? 0)
  const high = hosted.high & ~(from?.high ?? 0)
  if ((low | high) === 0) return undefined
  const wayMs = from === undefined ? (needs.outMs[place] as number) : needs.wayMs(from.place, place)
  if (wayMs === Number.POSITIVE_INFINITY) return undefined
  const runMs = (ones(low) + ones(high)) * (needs.places[place] as TourPlace).layerMs
  return {
    ms: (from?.ms ?? 0) + wayMs + runMs,
    low: (from?.low ?? 0) | hosted.low,
    high: (from?.high ?? 0) | hosted.high,
    place,
    before: from,
  }
}

/** The best of a beam: at each stop the tours with the least time per layer done go on. */
function beamTour(needs: TourNeeds, beam: number): Tour | undefined {
  const sets = setsOf(needs)
  const homeMs = (one: Tour) => one.ms + (needs.backMs[one.place] as number)
  const doneOf = ({ low, high }: Tour) => ones(low) + ones(high)
  let best: Tour | undefined
  let tours: (Tour | undefined)[] = [undefined]
  while (tours.length > 0) {
    const next = tours.flatMap((tour) => visits(needs, sets, tour))
    for (const one of next)
      if (doneOf(one) === needs.layers && (best === undefined || homeMs(one) < homeMs(best)))
        best = one
    const bestMs = best === undefined ? Number.POSITIVE_INFINITY : homeMs(best)
    tours = next
      .filter((one) => one.ms < bestMs && doneOf(one) < needs.layers)
      .sort((a, b) => a.ms / doneOf(a) - b.ms / doneOf(b))
      .slice(0, beam)
  }
  return best
}

function visits(
  needs: TourNeeds,
  sets: readonly { low: number; high: number }[],
  from: Tour | undefined,
): Tour[] {
  return needs.places.flatMap((_, place) => visit(needs, sets, from, place) ?? [])
}

/** @param found a tour that is known already: what cannot be shorter is not followed. */
function exactTour(needs: TourNeeds, found: Tour | undefined): Tour | undefined {
  const { places, backMs } = needs
  const sets = setsOf(needs)
  const full = 2 ** needs.layers - 1
  const lastLegMs = Math.min(...backMs)
  let best = found
  let bestMs =
    found === undefined ? Number.POSITIVE_INFINITY : found.ms + (backMs[found.place] as number)
  const ways = places.map((_, from) =>
    places.map((_, to) => (from === to ? 0 : needs.wayMs(from, to))),
  )
  const reached = new Map<number, (Tour | undefined)[]>()
  const keep = (one: Tour | undefined) => {
    if (one === undefined || one.ms + lastLegMs >= bestMs) return
    if (one.low === full) {
      const ms = one.ms + (backMs[one.place] as number)
      if (ms < bestMs) {
        best = one
        bestMs = ms
      }
      return
    }
    let row = reached.get(one.low)
    if (row === undefined) {
      row = new Array<Tour | undefined>(places.length)
      reached.set(one.low, row)
    }
    const before = row[one.place]
    if (before === undefined || one.ms < before.ms) row[one.place] = one
  }
  const within = {
    ...needs,
    wayMs: (from: number, to: number) => (ways[from] as number[])[to] as number,
  }
  for (const one of visits(within, sets, undefined)) keep(one)
  // In the order of the numbers: a visit only ever adds layers, so that no row grows after its turn.
  for (let done = 1; done < full; done++) {
    for (const tour of reached.get(done) ?? []) {
      if (tour === undefined || tour.ms + lastLegMs >= bestMs) continue
      for (let place = 0; place < places.length; place++) keep(visit(within, sets, tour, place))
    }
  }
  return best
}

function setsOf({ places }: TourNeeds): { low: number; high: number }[] {
  return places.map(({ layers }) => {
    let low = 0
    let high = 0
    for (const layer of layers)
      if (layer < WORD_BITS) low |= 1 << layer
      else high |= 1 << (layer - WORD_BITS)
    return { low, high }
  })
}

function stopsOf(last: Tour, { places }: TourNeeds): TourStop[] {
  const stops: TourStop[] = []
  for (let one: Tour | undefined = last; one !== undefined; one = one.before) {
    const { place, before } = one
    const { layers, layerMs } = places[place] as TourPlace
    const ran = layers.filter((layer) => !has(before, layer))
    stops.unshift({ place, layers: ran, runMs: ran.length * layerMs })
  }
  return stops
}

function has(tour: Tour | undefined, layer: number): boolean {
  if (tour === undefined) return false
  const word = layer < WORD_BITS ? tour.low : tour.high
  return ((word >>> (layer % WORD_BITS)) & 1) === 1
}

function ones(word: number): number {
  let count = 0
  for (let rest = word; rest !== 0; rest &= rest - 1) count++
  return count
}
