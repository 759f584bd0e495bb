import {
  groupingText,
  keepsOrder,
  type Manifest,
  type MeasuredGrouping,
  ModelError,
  measuredGroupings,
  parseGrouping,
} from '@layerswarm/model'
import { usageError } from '../cli-error.ts'
import { POINTS_ALL } from '../limits.ts'
import type { RoundsChoice } from '../line/rounds-option.ts'

interface Asked {
  /** undefined where nothing was said of rounds. */
  readonly rounds: RoundsChoice | undefined
  readonly 'max-loss': number
}

type Release = Pick<Manifest, 'name' | 'spec' | 'rounds'>

/**
 * Whether a release can be asked in these rounds at this loss.
 * @returns a line on why `auto` runs one layer after the other; undefined where it need not.
 * @throws CliError `bad-usage`.
 */
export function checkRounds(release: Release, asked: Asked): string | undefined {
  const { rounds, 'max-loss': maxLoss } = asked
  const { name, spec } = release
  if (rounds === undefined || rounds === 'off') return undefined
  if (keepsOrder(spec)) {
    throw usageError(
      `${name} runs in its own order only: one layer after another, and never in rounds; leave --rounds out`,
    )
  }
  const measured = measuredGroupings(release)
  if (rounds === 'auto') return whyNone(name, measured, maxLoss)
  checkGrouping(release, rounds, measured, maxLoss)
  return undefined
}

function whyNone(
  name: string,
  measured: readonly MeasuredGrouping[],
  maxLoss: number,
): string | undefined {
  const because = `${name} runs one layer after another`
  if (measured.length === 0)
    return `${because}: it was not measured in rounds; its publisher does that with: layerswarm publish DIR --rounds 4+4`
  if (measured.some(({ lossPoints }) => lossPoints <= maxLoss)) return undefined
  return `${because}: each of its rounds costs more than --max-loss ${maxLoss}: ${listOf(measured)}`
}

function checkGrouping(
  { name, spec }: Release,
  rounds: readonly number[],
  measured: readonly MeasuredGrouping[],
  maxLoss: number,
): void {
  const text = groupingText(rounds)
  try {
    parseGrouping(text, spec.layers)
  } catch (error) {
    throw error instanceof ModelError ? usageError(`--rounds: ${error.message} (${name})`) : error
  }
  const isTour = rounds.every((size) => size === 1)
  if (isTour || maxLoss >= POINTS_ALL) return
  const lossPoints = measured.find(({ groups }) => groupingText(groups) === text)?.lossPoints
  if (lossPoints === undefined) {
    const others = measured.length === 0 ? '' : `; it was in ${listOf(measured)}`
    throw usageError(
      `${name} was not measured in rounds of ${text}${others}: its publisher does that with publish --rounds ${text}, and --max-loss ${POINTS_ALL} takes them unmeasured`,
    )
  }
  if (lossPoints <= maxLoss) return
  const cheaper = measured.filter((one) => one.lossPoints <= maxLoss)
  const instead = cheaper.length === 0 ? '' : `, or --rounds with ${listOf(cheaper)}`
  throw usageError(
    `${name} loses ${pointsText(lossPoints)} in rounds of ${text}, more than --max-loss ${maxLoss}: ask with --max-loss ${ceiled(lossPoints)}${instead}`,
  )
}

/** "4+4 (0.4 points), 8 (6 points)". */
function listOf(measured: readonly MeasuredGrouping[]): string {
  return measured
    .map(({ groups, lossPoints }) => `${groupingText(groups)} (${pointsText(lossPoints)})`)
    .join(', ')
}

function pointsText(points: number): string {
  const shown = ceiled(points)
  return `${shown} ${shown === 1 ? 'point' : 'points'}`
}

/** To two digits, never below: what is shown is accepted where it is given back. */
function ceiled(points: number): number {
  return Math.ceil(points * 100 - 1e-6) / 100
}
