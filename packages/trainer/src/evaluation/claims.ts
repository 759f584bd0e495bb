import type { Variant } from '@layerswarm/model'
import { NOISE_SHARE } from '../limits.ts'
import { isShuffled, type Trainings } from './average-trainings.ts'
import type { Evaluation, MergedEvaluation, ModelEvaluation } from './evaluate-models.ts'
import { percent } from './report-tables.ts'
import { mean } from './statistics.ts'

/** Nor those below twice the spread, between trainings or else between orders, of either side. */
function noiseOf(...models: readonly ModelEvaluation[]): number {
  return Math.max(NOISE_SHARE, ...models.map(({ arbitrary }) => 2 * arbitrary.std))
}

/** What a claim needs, as far as it was measured. */
interface Measured {
  readonly shuffle: ModelEvaluation | undefined
  readonly position: ModelEvaluation | undefined
  readonly predict: ModelEvaluation | undefined
  readonly layerdrop: ModelEvaluation | undefined
  /** Trained in sequence, as many layers as the shuffled one. */
  readonly sequential: ModelEvaluation | undefined
  /** Trained in sequence, fewer layers. */
  readonly small: ModelEvaluation | undefined
}

/**
 * One Markdown line per claim of the paper, or question of its readers, that the figures answer.
 * @param all the trainings whose averages are compared.
 */
export function claimLines(all: readonly Trainings[], { releases, merged }: Evaluation): string[] {
  const models = all.map(({ average }) => average)
  const most = Math.max(0, ...models.map(({ layers }) => layers))
  const first = (variant: Variant, fits: (layers: number) => boolean) =>
    models.find((model) => model.variant === variant && fits(model.layers))
  const measured: Measured = {
    shuffle: first('shuffle', () => true),
    position: first('position', () => true),
    predict: first('predict', () => true),
    layerdrop: first('layerdrop', () => true),
    sequential: first('sequential', (layers) => layers === most),
    small: first('sequential', (layers) => layers < most),
  }
  const lines = [
    baselineLine(measured),
    lossLine(measured),
    positionLine(measured),
    predictLine(measured),
    pruningLine(measured),
    smallLine(measured),
    mergedLine(merged, releases),
  ].filter((line) => line !== '')
  return lines.length === 0 ? ['The models given do not answer any of them.'] : [lines.join('\n')]
}

function lostPoints(lost: number): string {
  return `${(100 * Math.abs(lost)).toFixed(1)} points ${lost < 0 ? 'gained' : 'lost'}`
}

function line(question: string, verdict: string, figures: string): string {
  return `- **${question}** ${verdict} ${figures}`
}

function baselineLine({ sequential, layerdrop }: Measured): string {
  const models = [sequential, layerdrop].filter((model) => model !== undefined)
  if (models.length === 0) return ''
  const collapsed = models.filter((model) => model.arbitrary.mean < model.sequential / 2)
  const agrees = collapsed.length === models.length ? 'Agrees:' : 'Agrees in part:'
  const figures = models.map(
    ({ variant, sequential: inOrder, arbitrary }) =>
      `\`${variant}\` falls from ${percent(inOrder)} to ${percent(arbitrary.mean)}`,
  )
  return line(
    'Models trained in sequence fail in arbitrary order.',
    collapsed.length === 0 ? 'Does not agree:' : agrees,
    `${figures.join(', ')}.`,
  )
}

function lossLine({ sequential, shuffle, position, predict }: Measured): string {
  const variants = [shuffle, position, predict].filter((model) => model !== undefined)
  if (sequential === undefined || variants.length === 0) return ''
  const losses = variants.map(({ arbitrary }) => sequential.sequential - arbitrary.mean)
  const figures = variants.map(
    ({ variant, arbitrary }, index) =>
      `\`${variant}\` ${percent(arbitrary.mean)} (${lostPoints(losses[index] ?? 0)})`,
  )
  const worst = Math.max(...losses)
  const verdict = worst < 0.1 ? 'Much less here:' : worst <= 0.3 ? 'Agrees roughly:' : 'More here:'
  return line(
    'Arbitrary order costs about 20 % of accuracy.',
    verdict,
    `in sequence the baseline has ${percent(sequential.sequential)}; in arbitrary order ${figures.join(', ')}.`,
  )
}

function positionLine({ shuffle, position }: Measured): string {
  if (shuffle === undefined || position === undefined) return ''
  const gained = position.arbitrary.mean - shuffle.arbitrary.mean
  return line(
    'Telling a layer its position (`position`) changes little.',
    Math.abs(gained) <= noiseOf(shuffle, position)
      ? 'Agrees, they cannot be told apart:'
      : `Here it ${gained > 0 ? 'helps' : 'harms'}:`,
    `\`position\` ${percent(position.arbitrary.mean)}, \`shuffle\` ${percent(shuffle.arbitrary.mean)} in arbitrary order.`,
  )
}

function predictLine({ shuffle, position, predict }: Measured): string {
  const others = [shuffle, position].filter((model) => model !== undefined)
  if (predict === undefined || others.length === 0) return ''
  const own = predict.arbitrary.mean
  const lowest = Math.min(...others.map(({ arbitrary }) => arbitrary.mean))
  const noise = noiseOf(predict, ...others)
  const verdict =
    own < lowest - noise
      ? 'Agrees:'
      : own > lowest + noise
        ? 'Does not agree:'
        : 'Cannot be told apart:'
  const figures = others.map(
    ({ variant, arbitrary }) => `\`${variant}\` ${percent(arbitrary.mean)}`,
  )
  return line(
    '`predict` is the worst of the variants.',
    verdict,
    `\`predict\` ${percent(own)}, ${figures.join(', ')} in arbitrary order.`,
  )
}

function pruningLine({ shuffle, sequential, layerdrop }: Measured): string {
  const models = [shuffle, layerdrop, sequential].filter((model) => model !== undefined)
  if (shuffle === undefined) return ''
  const left = Math.floor(shuffle.layers * 0.75)
  const lost = shuffle.arbitrary.mean - (shuffle.pruned[left]?.arbitrary ?? 0)
  const figures = models.map(
    ({ variant, pruned }) =>
      `\`${variant}\` ${percent(pruned[left]?.arbitrary ?? 0)} in arbitrary order and ${percent(pruned[left]?.sequential ?? 0)} in sequence`,
  )
  return line(
    'A shuffled model degrades gracefully when layers are missing.',
    lost < 0.05 ? 'Agrees:' : 'Only partly:',
    `with ${left} of ${shuffle.layers} layers ${figures.join('; ')}.`,
  )
}

function smallLine({ shuffle, small }: Measured): string {
  if (shuffle === undefined || small === undefined) return ''
  const kept = shuffle.pruned[small.layers]
  if (kept === undefined) return ''
  const difference = small.sequential - kept.arbitrary
  const lesson =
    difference > 0
      ? ' What shuffling buys is that any layer may be missing, not cheaper answers.'
      : ''
  return line(
    'Is a pruned shuffled model better than a small one of the same cost?',
    difference > 0 ? 'No:' : 'Yes:',
    `${small.layers} random layers of ${shuffle.layers} reach ${percent(kept.arbitrary)} in arbitrary order, a model trained with ${small.layers} layers ${percent(small.sequential)} in its own.${lesson}`,
  )
}

function mergedLine(
  merged: readonly MergedEvaluation[],
  releases: readonly ModelEvaluation[],
): string {
  const variants = [...new Set(merged.map(({ variant }) => variant))]
  if (variants.length === 0) return ''
  const outcomes = variants.map((variant) => {
    const pairs = merged.filter((pair) => pair.variant === variant)
    const names = pairs.flatMap(({ of }) => of)
    const parents = releases.filter(({ name }) => names.includes(name))
    // Models that never run in arbitrary order are compared in their own.
    const accuracyOf = (model: Pick<ModelEvaluation, 'sequential' | 'arbitrary'>): number =>
      isShuffled(variant) ? model.arbitrary.mean : model.sequential
    const before = mean(parents.map(accuracyOf))
    const after = mean(
      pairs.map((pair) => (isShuffled(variant) ? pair.arbitrary : pair.sequential).mean),
    )
    return { variant, before, after, lost: before - after }
  })
  const figures = outcomes.map(
    ({ variant, before, after, lost }) =>
      `\`${variant}\` ${percent(before)} before and ${percent(after)} after merging in ${isShuffled(variant) ? 'arbitrary order' : 'sequence'} (${lostPoints(lost)})`,
  )
  const worst = Math.max(...outcomes.map(({ lost }) => lost))
  return line(
    'Layers of two trainings can be mixed without loss (claimed in the first version of the paper only).',
    worst <= NOISE_SHARE ? 'Agrees:' : 'Does not agree:',
    `${figures.join(', ')}.`,
  )
}
