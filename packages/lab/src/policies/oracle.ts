import { LOOK_AGAIN_MS, ORACLE_BEAM, ORACLE_EXACT_LAYERS_MAX } from '../limits.ts'
import type { LabStation } from '../network/lane.ts'
import type { RequestRecord } from '../request-record.ts'
import type { Resident } from '../residents/resident.ts'
import type { Order } from '../scenarios/population.ts'
import { activationSize } from '../scenarios/settings.ts'
import type { AskPolicy, Scene } from './policy.ts'
import { shortestTour, type TourPlace, type TourStop } from './shortest-tour.ts'

/**
 * The yardstick: each request takes the shortest tour over everybody who is there and honest, planned
 * at once and with true ways, speeds and layers. Nothing is queued or lost on the way, so that no
 * protocol can be quicker on the same peers; of whoever is there, liars and sybils are left out.
 * Beyond ORACLE_EXACT_LAYERS_MAX layers the tour is the best that a beam finds.
 */
export class Oracle implements AskPolicy {
  private readonly scene: Scene

  constructor(scene: Scene) {
    this.scene = scene
  }

  arrived(): void {}

  left(): void {}

  ask(asker: Resident, order: Order, record: RequestRecord, end: (code: string) => void): void {
    const { clock, settings, network } = this.scene
    const deadlineMs = record.atMs + settings['requests.deadlineMs']
    const nowMs = clock.nowMs()
    const { station } = asker.transport
    const tour = this.tour(asker)
    if (tour === undefined) {
      const againMs = nowMs + LOOK_AGAIN_MS
      const again = () => this.ask(asker, order, record, end)
      if (againMs < deadlineMs) clock.wakeAt(againMs, again)
      else clock.wakeAt(deadlineMs, () => end('deadline-passed'))
      return
    }
    const { ms, stops } = tour
    if (nowMs + ms > deadlineMs) {
      clock.wakeAt(deadlineMs, () => end('deadline-passed'))
      return
    }
    // One tensor to each stop, and one back.
    const bytes = (stops.length + 1) * activationSize(settings)
    network.traffic.pulledBytes += bytes
    station.traffic.sentBytes += bytes
    clock.wakeAt(nowMs + ms, () => {
      record.route = stops.flatMap(({ layers }) => layers)
      record.visits = stops.length
      record.usefulMs = stops.reduce((sum, { runMs }) => sum + runMs, 0)
      end('answered')
    })
  }

  private tour(asker: Resident): { ms: number; stops: readonly TourStop[] } | undefined {
    const { settings, residents } = this.scene
    const home = asker.transport.station
    const able = [...residents.values()].filter(
      ({ connected, compute, session, transport: { station } }) =>
        connected &&
        station.serves &&
        !station.frozen &&
        station.lane === home.lane &&
        session.actor === 'honest' &&
        compute.loaded.size > 0,
    )
    const places: TourPlace[] = able.map(({ session, compute }) => ({
      layers: [...compute.loaded],
      layerMs: settings['model.layerMs'] * session.slowness,
    }))
    const stations = able.map(({ transport }) => transport.station)
    return shortestTour(
      {
        layers: settings['model.layers'],
        places,
        outMs: stations.map((station) => this.legMs(home, station)),
        backMs: stations.map((station) => this.legMs(station, home)),
        wayMs: (from, to) => this.legMs(stations[from] as LabStation, stations[to] as LabStation),
      },
      { exactLayersMax: ORACLE_EXACT_LAYERS_MAX, beam: ORACLE_BEAM },
    )
  }

  /** A tensor's way over a direct path, half the jitter included; Infinity where there is none. */
  private legMs(from: LabStation, to: LabStation): number {
    const { network, settings } = this.scene
    if (!network.paths.hasPath(from, to)) return Number.POSITIVE_INFINITY
    const bytes = activationSize(settings)
    return (
      network.paths.latencyMs(from, to) +
      settings['links.jitterMs'] / 2 +
      bytes / from.session.up +
      bytes / to.session.down +
      to.session.messageMs
    )
  }
}
