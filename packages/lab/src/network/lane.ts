import type { LabStation } from './lab-station.ts'

/** The peers that share one gossip topic. Slots are small numbers, so that a message can mark who has it. */
export class Lane {
  readonly index: number
  readonly members = new Set<LabStation>()
  /** Members that serve. */
  providers = 0
  askers = 0
  private readonly freeSlots: number[] = []
  private slotsUsed = 0

  constructor(index: number) {
    this.index = index
  }

  enter(station: LabStation): void {
    station.lane = this
    station.slot = this.freeSlots.pop() ?? this.slotsUsed++
    this.members.add(station)
    if (station.serves) this.providers++
    else this.askers++
  }

  leave(station: LabStation): void {
    if (!this.members.delete(station)) return
    this.freeSlots.push(station.slot)
    if (station.serves) this.providers--
    else this.askers--
  }

  /** Slots ever in use at once: the length of a list with an entry per slot. */
  get width(): number {
    return this.slotsUsed
  }
}

/**
 * Which lane a newcomer enters: a provider goes where the fewest are, and opens a lane when all are
 * full; an asker goes where most providers per asker are.
 * @param roomy providers that a lane takes before the next one is opened; 0: there is one lane.
 */
export function chooseLane(lanes: Lane[], serves: boolean, roomy: number): Lane {
  let best: Lane | undefined
  for (const lane of lanes) {
    if (best === undefined || attraction(lane, serves) > attraction(best, serves)) best = lane
  }
  const isFull = best !== undefined && serves && roomy > 0 && best.providers >= roomy
  if (best !== undefined && !isFull) return best
  const opened = new Lane(lanes.length)
  lanes.push(opened)
  return opened
}

function attraction(lane: Lane, serves: boolean): number {
  return serves ? -lane.providers : lane.providers / (lane.askers + 1)
}
