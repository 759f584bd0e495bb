import { atMostEvery } from '../at-most-every.ts'
import { HISTORY_INTERVAL_MS, SWARM_VIEW_MS } from '../limits.ts'
import type { AnnouncedPeer } from '../presence-gate.ts'
import type { SignalingSnapshot } from '../snapshot.ts'
import { createHistory } from './history.ts'
import { type SwarmView, swarmView } from './swarm-view.ts'

/** How the swarm stands now. */
export interface Standing {
  readonly snapshot: SignalingSnapshot
  readonly peers: readonly AnnouncedPeer[]
}

/** Looks at the swarm from time to time, from `start` to `stop`, and tells whoever asks. */
export interface SwarmWatch {
  start(): void
  stop(): void
  /** SWARM_VIEW_MS old at most. */
  view(): SwarmView
}

/** @param isPrivate of whom nobody is told who is there. */
export function createSwarmWatch(standing: () => Standing, isPrivate: boolean): SwarmWatch {
  const history = createHistory()
  let timer: ReturnType<typeof setInterval> | undefined
  const view = atMostEvery(SWARM_VIEW_MS, () => {
    const { snapshot, peers } = standing()
    return swarmView(snapshot, peers, history.moments, isPrivate)
  })

  function note(): void {
    const [release] = standing().snapshot.releases
    if (release === undefined) return
    const covered = release.hosts.filter((count) => count > 0).length
    const { peers, hosts } = release
    // By a clock that nobody sets: it begins at the time of day.
    const at = performance.timeOrigin + performance.now()
    history.note({ at, peers, covered, layers: hosts.length })
  }

  return {
    start() {
      note()
      timer = setInterval(note, HISTORY_INTERVAL_MS)
    },
    stop() {
      clearInterval(timer)
    },
    view,
  }
}
