import type { Grouping } from '../request.ts'
import type { Lateness } from './experience.ts'
import { ROUNDS_GAIN_MIN } from './limits.ts'
import { type Executor, type HubAccess, planRounds } from './plan.ts'

/** What a request can be answered by, and what is known of each way. */
export interface Ways {
  /** Of the model, in the order in which those that are equally rare are placed. */
  readonly layers: readonly number[]
  readonly executors: readonly Executor[]
  readonly hub: HubAccess
  /** Those that the release was measured in. */
  readonly groupings: readonly Grouping[]
  /** A grouping that costs more is not chosen, points. */
  readonly maxLossPoints: number
  /** What a tour should take, milliseconds; Infinity where none can go round. */
  readonly tourMs: number
  /** How many times as long as expected the requests before took. */
  readonly lateness: Lateness
}

/** How a request is to be answered: in these rounds, or undefined by a tour; and what is expected of that, milliseconds. */
export interface ChosenWay {
  readonly groups: readonly number[] | undefined
  readonly ms: number
}

/**
 * The way that should be over first, by its plan and by how far such plans were right. Rounds must be clearly quicker
 * than the tour, have a host for every layer, have two hosts at work at once, and cost no more than is accepted.
 */
export function chooseWay(ways: Ways): ChosenWay {
  const { tourMs, lateness } = ways
  let best: ChosenWay = { groups: undefined, ms: tourMs }
  let leastMs = (tourMs * lateness.tour) / ROUNDS_GAIN_MIN
  for (const { groups, lossPoints } of ways.groupings) {
    if (lossPoints > ways.maxLossPoints) continue
    if (groups.reduce((sum, size) => sum + size, 0) !== ways.layers.length) continue
    const { rounds, ms, unhosted } = planRounds(ways.layers, groups, ways.executors, ways.hub)
    if (unhosted.length > 0 || rounds.every((shares) => shares.length <= 1)) continue
    if (ms * lateness.rounds >= leastMs) continue
    best = { groups, ms }
    leastMs = ms * lateness.rounds
  }
  return best
}
