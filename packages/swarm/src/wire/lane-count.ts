import { LANES_MAX, LAYERS_MAX, PEERS_MAX } from '../limits.ts'
import type { Presence } from './messages.ts'

/** How full a lane is, as somebody sees it who hears the presence of all. */
export interface LaneCount {
  /** From 0 to LANES_MAX − 1. */
  readonly lane: number
  /** Members that host a layer, or are about to. */
  readonly providers: number
  /** Members that only ask. */
  readonly askers: number
  /** Layers of the model that nobody in it hosts. */
  readonly lacking: number
}

/** Whether a member serves, or is about to; whoever only asks has no slot for anybody's work. */
export function isProvider({ layers, freeSlots }: Pick<Presence, 'layers' | 'freeSlots'>): boolean {
  return layers.length > 0 || freeSlots > 0
}

/**
 * Counts the lanes in which somebody is, by their numbers.
 * @param members the newest presence of each member of one release.
 * @param layers of the model.
 */
export function countLanes(
  members: Iterable<Pick<Presence, 'lane' | 'layers' | 'freeSlots'>>,
  layers: number,
): LaneCount[] {
  const lanes = new Map<number, { providers: number; askers: number; hosted: Set<number> }>()
  for (const member of members) {
    const { lane, layers: hosted } = member
    let seen = lanes.get(lane)
    if (seen === undefined) {
      seen = { providers: 0, askers: 0, hosted: new Set() }
      lanes.set(lane, seen)
    }
    if (isProvider(member)) seen.providers++
    else seen.askers++
    // A layer that the model does not have is somebody's invention.
    for (const layer of hosted) if (layer < layers) seen.hosted.add(layer)
  }
  return [...lanes]
    .map(([lane, { providers, askers, hosted }]) => {
      return { lane, providers, askers, lacking: layers - hosted.size }
    })
    .sort((a, b) => a.lane - b.lane)
}

/** Reads a count that somebody else sent; undefined for what is none, or is of more members than one remembers. */
export function parseLaneCount(value: unknown): LaneCount | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { lane, providers, askers, lacking } = value as Readonly<Record<string, unknown>>
  if (!isCount(lane, LANES_MAX - 1) || !isCount(lacking, LAYERS_MAX)) return undefined
  if (!isCount(providers, PEERS_MAX) || !isCount(askers, PEERS_MAX)) return undefined
  return { lane, providers, askers, lacking }
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
}
