import type { NoveltyVerdict } from '@layerswarm/model'
import type { Confirmation, Hop } from '@layerswarm/swarm'
import { listText } from './wording.ts'

/** That the model cannot know what it sees; undefined where it may, or does not tell. */
export function novelText(verdict: NoveltyVerdict | undefined): string | undefined {
  if (verdict?.novel !== true) return undefined
  return 'Unlike anything I was trained on: the label is a guess.'
}

/** Which layers were those of another release; undefined where none was. */
export function mixedText(route: readonly Pick<Hop, 'layer' | 'weights'>[]): string | undefined {
  const layers = route.flatMap(({ layer, weights }) => (weights === undefined ? [] : [layer]))
  if (layers.length === 0) return undefined
  const [noun, verb] = layers.length === 1 ? ['Layer', 'was'] : ['Layers', 'were']
  const names = listText(layers.toSorted((a, b) => a - b))
  return `${noun} ${names} ${verb} of another version of this model, which mixes with it.`
}

/** What became of asking twice. */
export function confirmedText({ outcome, answers, sharedPeers, failure }: Confirmation): string {
  const shared = sharedText(answers.length, sharedPeers.length)
  switch (outcome) {
    case 'agreed':
      return `Asked twice, in two orders that have nothing in common: both agree.${shared}`
    case 'outvoted':
      return `Asked twice, and the two orders disagreed; a third decided.${shared}`
    case 'split':
      return `Not confirmed: three orders say three things.${shared}`
    case 'unconfirmed':
      return `Not confirmed: ${failure ?? 'the second order was not answered'}.${shared}`
    default:
      return outcome satisfies never
  }
}

function sharedText(answers: number, shared: number): string {
  if (answers < 2) return ''
  if (shared === 0) return ' No peer had a part in more than one.'
  return ` ${shared === 1 ? 'One peer' : `${shared} peers`} had a part in more than one.`
}
