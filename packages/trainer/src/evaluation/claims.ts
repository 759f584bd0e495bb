import type { Variant } from '@layerswarm/model'
import type { Evaluation, MergedEvaluation, ModelEvaluation } from './evaluate-models.ts'
import { percent } from './report-tables.ts'

/** Differences below this are not told apart: two standard errors of 10,000 images, and of orders. */
const NOISE = 0.006

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
  readonly merged: readonly MergedEvaluation[]
}

/** One Markdown line per claim of the paper, or question of its readers, that the figures answer. */
export function claimLines({ releases, merged }: Evaluation): string[] {
  const most = Math.max(0, ...releases.map(({ layers }) => layers))
  const first = (variant: Variant, fits: (layers: number) => boolean) =>
    releases.find((model) => model.variant === variant && fits(model.layers))
  const all: Measured = {
    shuffle: first('shuffle', () => true),
    position: first('position', () => true),
    predict: first('predict', () => true),
    layerdrop: first('layerdrop', () => true),
    sequential: first('sequential', (layers) => layers === most),
    small: first('sequential', (layers) => layers < most),
    merged,
  }
  const lines = [
    baselineLine(all),
    lossLine(all),
    predictLine(all),
    pruningLine(all),
    smallLine(all),
    ...merged.map((pair) => mergedLine(pair, releases)),
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
  const collapses = models.every((model) => model.arbitrary.mean < model.sequential / 2)
  const figures = models.map(
    ({ variant, sequential: inOrder, arbitrary }) =>
      `\`${variant}\` falls from ${percent(inOrder)} to ${percent(arbitrary.mean)}`,
  )
  return line(
    'Models trained in sequence fail in arbitrary order.',
    collapses ? 'Agrees:' : 'Does not agree:',
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

function predictLine({ shuffle, position, predict }: Measured): string {
  const others = [shuffle, position].filter((model) => model !== undefined)
  if (predict === undefined || others.length === 0) return ''
  const own = predict.arbitrary.mean
  const lowest = Math.min(...others.map(({ arbitrary }) => arbitrary.mean))
  const verdict =
    own < lowest - NOISE
      ? 'Agrees:'
      : own > lowest + NOISE
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
  { of, variant, arbitrary }: MergedEvaluation,
  releases: readonly ModelEvaluation[],
): string {
  const parents = of.flatMap((name) => releases.filter((model) => model.name === name).slice(0, 1))
  const before =
    parents.reduce((sum, parent) => sum + parent.arbitrary.mean, 0) / Math.max(1, parents.length)
  const lost = before - arbitrary.mean
  return line(
    `Layers of two trainings can be mixed without loss (claimed in the first version of the paper only; \`${variant}\`).`,
    lost <= NOISE ? 'Agrees:' : 'Does not agree:',
    `${percent(before)} before and ${percent(arbitrary.mean)} after merging in arbitrary order, ${lostPoints(lost)}.`,
  )
}
