import { SeededRandom } from '@layerswarm/swarm/testing'
import { PATIENCE_FACTOR, PATIENCE_MS_MIN, SCORES_BYTES } from '../limits.ts'
import type { RequestRecord } from '../request-record.ts'
import type { Resident } from '../residents/resident.ts'
import type { Order } from '../scenarios/population.ts'
import { activationSize } from '../scenarios/settings.ts'
import type { AskPolicy, Scene } from './policy.ts'

/**
 * The other way out: a model so small that any one peer holds all of it, as many layers as a
 * provider hosts. Lost work is sent to another peer.
 */
export class SmallModel implements AskPolicy {
  private readonly scene: Scene
  private readonly random: SeededRandom

  constructor(scene: Scene) {
    this.scene = scene
    this.random = SeededRandom.stream(scene.seed, 'small')
  }

  arrived(): void {}

  left(): void {}

  ask(asker: Resident, _order: Order, record: RequestRecord, end: (code: string) => void): void {
    const { clock, settings, network } = this.scene
    const { station } = asker.transport
    let over = false
    const finish = (code: string) => {
      if (over) return
      over = true
      end(code)
    }
    clock.wakeAt(clock.nowMs() + settings['requests.deadlineMs'], () => finish('deadline-passed'))
    const layers = settings['peers.capacity']
    const attempt = () => {
      if (over) return
      const able = (asker.member?.snapshot().peers ?? []).filter(({ peer, layers: hosted }) => {
        const other = network.known.get(peer)
        return hosted.length > 0 && other !== undefined
      })
      const chosen = able[this.random.below(able.length)]
      const to = chosen === undefined ? undefined : network.known.get(chosen.peer)
      let patienceMs = PATIENCE_MS_MIN
      if (to !== undefined && chosen !== undefined) {
        const wayMs = network.paths.relayedMs(station, to)
        const expected = 2 * Math.min(wayMs, 1_000) + layers * chosen.layerMs
        patienceMs = Math.max(patienceMs, PATIENCE_FACTOR * expected)
        const computed = (ms: number | undefined) => {
          if (ms === undefined) return
          const received = () => {
            if (!over) record.usefulMs = ms
            finish('answered')
          }
          network.streams.send(to, station, SCORES_BYTES, received, true)
        }
        const arrived = () => this.scene.residents.get(to.peer)?.compute.runWhole(layers, computed)
        network.streams.send(station, to, activationSize(settings), arrived, true)
      }
      clock.wakeAt(clock.nowMs() + patienceMs, attempt)
    }
    attempt()
  }
}
