import type { PeerId } from '@layerswarm/swarm'
import type { SeededRandom, VirtualClock } from '@layerswarm/swarm/testing'
import { DISCARD_MS, GOODBYE_MS } from './limits.ts'
import type { LabNetwork } from './network/gossip.ts'
import type { Referee } from './referee.ts'
import type { Resident } from './residents/resident.ts'
import type { Session } from './scenarios/population.ts'
import type { Settings } from './scenarios/settings.ts'

/** Moments of the protocol at which a provider may die, by the setting that holds the share. */
export type CrashPoint = 'crash.onClaim' | 'crash.onRun' | 'crash.onStep' | 'crash.onPull'

/** What departures need of the world that is departed from. */
export interface DepartureNeeds {
  readonly clock: VirtualClock
  readonly settings: Settings
  /** Draws who crashes where. */
  readonly faults: SeededRandom
  readonly network: LabNetwork
  readonly referee: Referee
  /** Everybody who is there; who leaves is taken out. */
  readonly residents: Map<PeerId, Resident>
  /** A resident was taken out and is about to stop. */
  left(resident: Resident): void
}

/**
 * How peers leave: with a goodbye, killed, frozen and discarded, or at a step of the protocol.
 *
 * 1. A resident leaves once.
 * 2. Whoever left has no timer and no transfer: the referee is told what was left behind.
 */
export class Departures {
  private readonly needs: DepartureNeeds

  constructor(needs: DepartureNeeds) {
    this.needs = needs
  }

  /** Schedules the end of a resident, and the times when it freezes or loses its GPU. */
  schedule(resident: Resident): void {
    const { clock, settings } = this.needs
    const { session, compute } = resident
    const at = (ms: number, then: () => void) => {
      if (ms !== Number.POSITIVE_INFINITY) clock.wakeAt(ms, then)
    }
    at(session.leaveMs, () => this.depart(resident))
    for (const ms of session.freezesMs)
      at(ms, () => this.freezeFor(resident, settings['freeze.ms']))
    for (const ms of session.deviceLossesMs)
      at(ms, () => compute.lose(clock.nowMs() + settings['device.lossMs']))
  }

  /** Draws whether a provider dies at this step of the protocol; it is gone at once. */
  mayCrash(session: Session, when: CrashPoint): boolean {
    const { settings, faults } = this.needs
    if (session.actor === 'asker' || !faults.chance(settings[when])) return false
    this.crash(session)
    return true
  }

  /** Dies without a word, when what it is doing at this moment is done. */
  crash(session: Session): void {
    const { clock, settings, residents } = this.needs
    const resident = residents.get(session.peer)
    if (resident !== undefined)
      clock.wakeAt(clock.nowMs(), () => this.remove(resident, settings['links.lossNoticeMs']))
  }

  private depart(resident: Resident): void {
    const { clock, settings } = this.needs
    const { departure } = resident.session
    if (departure === 'freeze') {
      this.freezeFor(resident, Number.POSITIVE_INFINITY)
      clock.wakeAt(clock.nowMs() + DISCARD_MS, () => this.remove(resident, 0))
    } else {
      const noticeMs = departure === 'goodbye' ? GOODBYE_MS : settings['links.lossNoticeMs']
      this.remove(resident, noticeMs)
    }
  }

  private freezeFor(resident: Resident, ms: number): void {
    const { clock: world, network, residents } = this.needs
    const { session, clock, engineClock } = resident
    if (!residents.has(session.peer) || resident.transport.station.frozen) return
    clock.freeze()
    engineClock.freeze()
    network.freeze(session.peer)
    if (ms === Number.POSITIVE_INFINITY) return
    world.wakeAt(world.nowMs() + ms, () => {
      if (!residents.has(session.peer)) return
      clock.thaw()
      engineClock.thaw()
      network.thaw(session.peer)
    })
  }

  /** Ends a peer; its neighbours learn of it after `noticeMs`. */
  private remove(resident: Resident, noticeMs: number): void {
    const { clock: world, network, referee, residents } = this.needs
    const { session, transport, clock, engineClock, member } = resident
    if (!residents.delete(session.peer)) return
    this.needs.left(resident)
    network.leave(session.peer, noticeMs)
    engineClock.end()
    try {
      member?.stop()
    } catch (error) {
      referee.threw(error, world.nowMs())
    }
    if (member !== undefined)
      referee.stopped(transport.station, clock.timers, transport.pulls, world.nowMs())
    clock.end()
  }
}
