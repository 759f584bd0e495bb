import type { PeerId } from '@layerswarm/swarm'
import type { VirtualClock } from '@layerswarm/swarm/testing'
import { HUNG_UP_LOOK_MS } from './limits.ts'
import type { Resident } from './residents/resident.ts'
import type { Settings } from './scenarios/settings.ts'

/** Notes when nobody has a connection to an attacker any more, while it still is there. */
export class AttackWatch {
  /** How long the attack had gone on then, milliseconds; undefined while somebody has one. */
  hungUpMs: number | undefined
  private readonly clock: VirtualClock
  private readonly settings: Settings
  private readonly residents: ReadonlyMap<PeerId, Resident>

  constructor(clock: VirtualClock, settings: Settings, residents: ReadonlyMap<PeerId, Resident>) {
    this.clock = clock
    this.settings = settings
    this.residents = residents
  }

  /** Looks now and then from the first request on, where somebody attacks. */
  start(): void {
    if (this.settings['attack.kind'] > 0)
      this.clock.wakeAt(this.settings['requests.warmupMs'] + HUNG_UP_LOOK_MS, () => this.look())
  }

  private look(): void {
    const attacker = [...this.residents.values()].find(
      ({ session }) => session.actor === 'attacker',
    )
    if (attacker === undefined) return
    const nowMs = this.clock.nowMs()
    if (attacker.transport.station.links.length === 0)
      this.hungUpMs = nowMs - this.settings['requests.warmupMs']
    else this.clock.wakeAt(nowMs + HUNG_UP_LOOK_MS, () => this.look())
  }
}
