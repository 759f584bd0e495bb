import { LAYERS_MAX, ROUNDS_LOSS_POINTS } from '@layerswarm/swarm'
import { usageError } from '../cli-error.ts'
import { POINTS_ALL } from '../limits.ts'
import type { Option } from './option.ts'

/** Several layers at once: where it should be quicker, never, or in these rounds. */
export type RoundsChoice = 'auto' | 'off' | readonly number[]

/** What is done where nothing is said: `auto` still loses requests behind slow uplinks (docs/decisions/0036). */
export const ROUNDS_DEFAULT: RoundsChoice = 'off'

/** `--rounds auto|off|4+4`; undefined when absent. */
export function roundsOption(): Option<RoundsChoice | undefined> {
  return {
    kind: 'text',
    placeholder: 'auto|off|4+4',
    choices: ['auto', 'off'],
    help: `layers that run at once on one input, by different peers: in the rounds that should be quickest of those that the release was measured in, none, or so many in each (${ROUNDS_DEFAULT})`,
    read: ([value], flag) => (value === undefined ? undefined : parseRounds(value, flag)),
  }
}

/** @throws CliError `bad-usage`. */
function parseRounds(value: string, flag: string): RoundsChoice {
  if (value === 'auto' || value === 'off') return value
  const sizes = /^[1-9]\d{0,3}(\+[1-9]\d{0,3})*$/.test(value) ? value.split('+').map(Number) : []
  const layers = sizes.reduce((sum, size) => sum + size, 0)
  if (layers > 0 && layers <= LAYERS_MAX) return sizes
  throw usageError(
    `${flag} takes auto, off, or how many layers run in each round, as 4+4, not "${value.slice(0, 40)}"`,
  )
}

/** Points of top-1, as 0.5. */
export function pointsOption(help: string): Option<number> {
  return {
    kind: 'text',
    placeholder: 'POINTS',
    help: `${help} (${ROUNDS_LOSS_POINTS})`,
    read: ([value], flag) => (value === undefined ? ROUNDS_LOSS_POINTS : parsePoints(value, flag)),
  }
}

/** @throws CliError `bad-usage`. */
function parsePoints(value: string, flag: string): number {
  const points = /^\d{1,3}(\.\d{1,6})?$/.test(value) ? Number(value) : Number.NaN
  if (points <= POINTS_ALL) return points
  throw usageError(
    `${flag} takes points from 0 to ${POINTS_ALL}, as 0.5, not "${value.slice(0, 40)}"`,
  )
}
