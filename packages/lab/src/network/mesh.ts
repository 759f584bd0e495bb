import type { SeededRandom, VirtualClock } from '@layerswarm/swarm/testing'
import { MEET_ALL_MAX, MEET_DRAWS_PER_CONNECTION } from '../limits.ts'
import type { Settings } from '../scenarios/settings.ts'
import type { LabStation, Lane, Link } from './lane.ts'
import type { Paths } from './paths.ts'

/**
 * Who is connected to whom, and which of these connections carry what others say.
 *
 * 1. A connection stands at both of its ends.
 * 2. A mesh is part of the connections, and grafted at both ends.
 */
export class Mesh {
  private readonly clock: VirtualClock
  private readonly settings: Settings
  private readonly random: SeededRandom
  private readonly paths: Paths

  constructor(clock: VirtualClock, settings: Settings, random: SeededRandom, paths: Paths) {
    this.clock = clock
    this.settings = settings
    this.random = random
    this.paths = paths
  }

  /** Introduces a peer to the members of its lane that it can reach. */
  connect(station: LabStation): void {
    const { lane } = station
    if (lane === undefined) return
    const most = this.settings['gossip.connections']
    const able =
      lane.members.size > MEET_ALL_MAX ? this.some(station, lane) : this.all(station, lane)
    // Few connections go to random members, so that a lane larger than one peer's reach stays whole.
    while (able.length > most) {
      const at = this.random.below(able.length)
      able[at] = able.at(-1) as LabStation
      able.pop()
    }
    for (const other of able) {
      if (
        station.links.length >= most ||
        other.links.length >= 2 * most ||
        station.isNeighbourOf(other)
      )
        continue
      station.unlink(other)
      other.unlink(station)
      const latencyMs = this.paths.latencyMs(station, other)
      const measuredMs = 2 * latencyMs * this.paths.rttError(station, other)
      station.meet({ to: other, latencyMs, measuredMs })
      other.meet({ to: station, latencyMs, measuredMs })
      if (other.mesh.length < this.settings['gossip.mesh']) this.mend(other)
    }
    this.mend(station)
  }

  /** The members of its lane that a station could meet. */
  private all(station: LabStation, lane: Lane): LabStation[] {
    const now = this.clock.nowMs()
    return [...lane.members].filter((other) => this.canMeet(station, other, now))
  }

  /** As many of them as it may connect to, drawn. */
  private some(station: LabStation, lane: Lane): LabStation[] {
    const now = this.clock.nowMs()
    const most = this.settings['gossip.connections']
    const drawn = new Set<LabStation>()
    for (let left = MEET_DRAWS_PER_CONNECTION * most; left > 0 && drawn.size < most; left--) {
      const other = lane.member(this.random.below(lane.members.size))
      if (other !== undefined && this.canMeet(station, other, now)) drawn.add(other)
    }
    return [...drawn]
  }

  private canMeet(station: LabStation, other: LabStation, nowMs: number): boolean {
    return (
      other !== station &&
      !other.frozen &&
      !station.isNeighbourOf(other) &&
      this.paths.hasPath(station, other) &&
      !other.gate.isBanned(station.peer, nowMs) &&
      !station.gate.isBanned(other.peer, nowMs)
    )
  }

  /** A connection is gone: others of the lane are dialled in its place, whom it knows from a bootstrap node. */
  reconnect(station: LabStation): void {
    if (station.isDialling || !station.alive) return
    station.isDialling = true
    this.clock.wakeAt(this.clock.nowMs() + this.settings['links.dialMs'], () => {
      station.isDialling = false
      if (station.alive && !station.isMeeting && !station.frozen) this.connect(station)
    })
  }

  /** Ends the connection between two peers. */
  hangUp(station: LabStation, other: LabStation): void {
    other.unlink(station)
    station.unlink(other)
    this.mend(station)
  }

  /** Grafts until the mesh has its degree; a partner takes up to twice that. */
  mend(station: LabStation): void {
    const degree = this.settings['gossip.mesh']
    if (!station.alive || station.mesh.length >= degree) return
    const from = this.random.below(station.links.length || 1)
    for (let i = 0; i < station.links.length && station.mesh.length < degree; i++) {
      const link = station.links[(from + i) % station.links.length] as Link
      const { to } = link
      if (station.mesh.some((other) => other.to === to) || to.mesh.length >= 2 * degree) continue
      station.mesh.push(link)
      to.mesh.push({ ...link, to: station })
    }
  }
}
