import { claimLines } from './claims.ts'
import type { Evaluation, MergedEvaluation, ModelEvaluation } from './evaluate-models.ts'
import { aboutImages, markdownTable } from './report-markdown.ts'
import { grouped, percent, percentSpread } from './report-tables.ts'

const COLUMNS = [
  'model',
  'variant',
  'layers',
  'training images',
  'seed',
  'CPU seconds',
  'in sequence',
  'arbitrary order',
  'with ¾ of the layers',
  'merged',
]

/**
 * The page of results: one row per model, and what the figures say about the claims of the paper.
 * Whatever was not measured is left out.
 * @param command the command line that makes the page again.
 */
export function resultsPage(evaluation: Evaluation, command: string): string {
  const { releases } = evaluation
  return [
    '# Results',
    'Our own trainings of the variants of LayerShuffle ([arXiv 2407.04513](https://arxiv.org/abs/2407.04513)) and of its baselines, measured side by side.',
    `${aboutImages(evaluation)} *Arbitrary order*: a fresh order for every batch of at most 100 images, mean ± deviation over the seeds. *With ¾ of the layers*: in arbitrary order, those that are skipped drawn anew for every batch. *Merged*: half of the layers from another training of the same recipe, in arbitrary order, mean ± deviation over drawn masks.`,
    markdownTable(
      COLUMNS,
      releases.map((model) => row(model, evaluation.merged)),
    ),
    budgetLine(releases),
    '## Beside the claims of the paper',
    'The paper fine-tunes ViT-B and DeiT on ImageNet; these are small models trained from nothing, so that the direction of an effect can be compared and its size only roughly. Each model was trained once: differences of a few tenths of a point are within what another seed would change.',
    ...claimLines(evaluation),
    '## Make it again',
    `\`\`\`sh\n${command}\n\`\`\``,
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n')
}

function row(model: ModelEvaluation, merged: readonly MergedEvaluation[]): string[] {
  const { name, variant, layers, training, sequential, arbitrary, pruned } = model
  const left = Math.floor(layers * 0.75)
  const kept = pruned[left]
  const mixed = merged.find(({ of }) => of.includes(name))
  return [
    name,
    variant,
    String(layers),
    training === undefined ? '–' : grouped(training.images),
    training === undefined ? '–' : String(training.seed),
    training?.cpuSeconds === undefined ? '–' : grouped(training.cpuSeconds),
    percent(sequential),
    percentSpread(arbitrary),
    kept === undefined ? '–' : `${percent(kept.arbitrary)} (${left} of ${layers})`,
    mixed === undefined ? '–' : percentSpread(mixed.arbitrary),
  ]
}

/** Whether the models had the same chance. */
function budgetLine(releases: readonly ModelEvaluation[]): string {
  const images = releases.flatMap(({ training }) => (training ? [training.images] : []))
  if (images.length < 2) return ''
  const [low, high] = [Math.min(...images), Math.max(...images)]
  // A training ends with a whole batch, a step more or less.
  return high <= low * 1.01
    ? 'All of them saw the same number of training images.'
    : `They did **not** see the same number of training images (${grouped(low)} to ${grouped(high)}), so that rows of different budgets must not be compared.`
}
