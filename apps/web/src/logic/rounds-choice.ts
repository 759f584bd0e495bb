import { groupingText, type Manifest, measuredGroupings } from '@layerswarm/model'
import { type ClassifyPolicy, ROUNDS_LOSS_POINTS } from '@layerswarm/swarm'

/** How many layers of a picture run at once. */
export type RoundsChoice = Extract<ClassifyPolicy['rounds'], string> | readonly number[]

/** What a visitor can choose, the usual first. */
export interface RoundsOffer {
  /** As it stands in the page's form. */
  readonly value: string
  readonly text: string
  readonly rounds: RoundsChoice
}

/** What there is to choose of a release; nothing where it was not measured in rounds. */
export function roundsOffers(release: Pick<Manifest, 'rounds' | 'spec'>): readonly RoundsOffer[] {
  const measured = measuredGroupings(release)
  if (measured.length === 0) return []
  const cheap = `where quicker, for ${ROUNDS_LOSS_POINTS} points at most`
  return [
    { value: 'off', text: 'never: one layer after another', rounds: 'off' },
    { value: 'auto', text: cheap, rounds: 'auto' },
    ...measured.map(({ groups, lossPoints }) => {
      const text = groupingText(groups)
      return { value: text, text: `${text}: ${lossText(lossPoints)}`, rounds: groups }
    }),
  ]
}

/**
 * The round, from 1, in which a layer of a route ran; undefined for one that went on after the rounds, as a tour.
 * @param rounds how many layers ran at once, round by round. @param at its place in the route.
 */
export function roundOf(rounds: readonly number[], at: number): number | undefined {
  let before = 0
  const index = rounds.findIndex((count) => {
    before += count
    return at < before
  })
  return index < 0 ? undefined : index + 1
}

function lossText(points: number): string {
  if (points <= 0) return 'costs nothing'
  const shown = Number(points.toFixed(1))
  return shown === 0 ? 'costs less than 0.1 points' : `costs ${shown} points of 100`
}
