import type { RelatedWork } from './related-work.ts'
import { markdownTable } from './report-markdown.ts'
import { grouped, percent } from './report-tables.ts'

/** Begins the section; the next title of its kind, or the end of the page, ends it. */
export const RELATED_TITLE = '### Related work'

/**
 * What three ideas beside LayerShuffle buy, as a section of the page of results.
 * @param command the command line that makes it again.
 */
export function relatedWorkSection(work: RelatedWork, command: string): string {
  const { testImages, passes, trainings } = work
  const images = [...new Set(trainings.flatMap(({ training }) => training?.images ?? []))]
  const seeds = [...new Set(trainings.flatMap(({ training }) => training?.seed ?? []))]
  const budget = `${images.map(grouped).join(' or ')} training images, seed ${seeds.join(', ')}`
  return [
    RELATED_TITLE,
    `Three ideas that are asked for, each trained by the recipe of its name in \`packages/trainer/recipes\` with ${budget}, beside \`${trainings[0]?.name ?? ''}\` with the same images and the same seed; one training each, so that differences below a point say little. All accuracies in arbitrary order on ${grouped(testImages)} test images, ${passes === 1 ? 'one pass' : `${passes} passes`}, a fresh order for every 100 images.`,
    ...sharedLines(work),
    ...mendingLines(work),
    ...coreLines(work),
    costLine(work),
    `\`\`\`sh\n${command}\n\`\`\``,
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

/** Numbers of layers that the tables show, the most first. */
function shownOf(layers: number): number[] {
  return Array.from({ length: layers }, (_, index) => layers - index).filter(
    (left) => left === 1 || left % 2 === layers % 2,
  )
}

function sharedLines({ shared, layers }: RelatedWork): string[] {
  const shown = shownOf(layers)
  const rows = shared.map(({ name, distinct, layerBytes, all, left }) => [
    name,
    String(distinct),
    grouped(distinct * layerBytes),
    ...shown.map((count) => percent((count === layers ? all : left[count])?.mean ?? 0)),
  ])
  const [plain, ...others] = shared
  const losses = others.map(
    ({ name, all }) => `\`${name}\` ${points((plain?.all.mean ?? 0) - all.mean)}`,
  )
  return [
    `**Layers shared by all places** (\`distinctLayers\`; Universal Transformers, arXiv 1807.03819; ALBERT, arXiv 1909.11942): one set of weights, or two, runs ${layers} times. What it buys: the bytes of one layer are the whole encoder, so that any host serves any step and a layer is missing only when nobody is left. ${losses.join(', ')} than layers of their own.`,
    markdownTable(
      ['model', 'layers with own weights', 'bytes of all layers', ...shown.map(leftTitle(layers))],
      rows,
    ),
  ]
}

function mendingLines({ mending, layers }: RelatedWork): string[] {
  const { name, plain, mended, parameters, images, seed } = mending
  const shown = shownOf(layers).toReversed()
  const row = (title: string, values: string, spreads: readonly { mean: number }[]): string[] => [
    ...[title, values],
    ...shown.map((left) => percent(spreads[left - 1]?.mean ?? 0)),
  ]
  return [
    `**A small network at the logits**: it sees what an answer was made from and which layers ran, and adds to the logits; the model (\`${name}\`) stays as it is. Learnt from ${grouped(images)} training images in one drawn order each, stopped after each layer, seed ${seed}. What it buys: it stands with whoever asks, so no host knows of it, and mends what layers that are missing take; a model trained with layers left out (\`dropLayers\`, above) needs it less. Without the mask it can only adjust what all answers have in common.`,
    markdownTable(
      ['what it sees', 'values', ...shown.map(leftTitle(layers))],
      [
        row('none', '–', plain),
        ...[...mended].map(([view, spreads]) =>
          row(view, grouped(parameters.get(view) ?? 0), spreads),
        ),
      ],
    ),
  ]
}

function coreLines({ cores }: RelatedWork): string[] {
  const { rank, bytes, models } = cores
  return [
    `**A low-rank core that can be split off** (\`coreRank\`; ranks drawn in training as in DyLoRA, arXiv 2210.07558): each matrix of a layer reduced to rank ${rank}, in training for a random half of the layers of every step. What it buys: a host with little room serves ${grouped(bytes.core)} bytes of a layer instead of ${grouped(bytes.whole)} (float32; two factors for each matrix) beside hosts that serve all of it. An int4 file of the whole layer is smaller and loses less ([training.md](training.md)); what a core saves besides is arithmetic.`,
    markdownTable(
      ['model', 'whole layers', 'each whole or core, drawn', 'cores only'],
      models.map(({ name, whole, mixed, core }) => [
        name,
        percent(whole.mean),
        percent(mixed.mean),
        percent(core.mean),
      ]),
    ),
  ]
}

function costLine({ trainings }: RelatedWork): string {
  const costs = trainings.flatMap(({ name, training }) =>
    training?.cpuSeconds === undefined
      ? []
      : [`\`${name}\` ${grouped(Math.round(training.cpuSeconds))}`],
  )
  return costs.length === 0 ? '' : `Seconds of processor time in training: ${costs.join(', ')}.`
}

const leftTitle =
  (layers: number) =>
  (left: number): string =>
    left === layers ? `all ${layers}` : `${left} left`

/** "3.1 points less" or "0.4 points more". */
function points(lost: number): string {
  return `${Math.abs(100 * lost).toFixed(1)} points ${lost < 0 ? 'more' : 'less'}`
}
