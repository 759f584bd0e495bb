import { standaloneSvg } from '@layerswarm/figures'
import { NOISE_SHARE } from '../limits.ts'
import { groupTrainings, isShuffled, type Trainings } from './average-trainings.ts'
import { claimLines } from './claims.ts'
import type { Evaluation, ModelEvaluation } from './evaluate-models.ts'
import { evaluationPlots } from './evaluation-plots.ts'
import type { Spread } from './experiments.ts'
import { heatMapPlot } from './heat-map-plot.ts'
import { aboutImages, markdownTable } from './report-markdown.ts'
import { grouped, percent, percentSpread, reportTables } from './report-tables.ts'

/** A page in Markdown and the pictures that it shows. */
export interface ResultsPage {
  readonly text: string
  /** SVG files by their paths, seen from the page. */
  readonly figures: ReadonlyMap<string, string>
}

/**
 * The page of results: all variants side by side, what they cost, and what the figures say about
 * the claims of the paper. Trainings that differ by their seed alone share a row; whatever was not
 * measured is left out.
 * @param command the command line that makes the page again.
 * @param name begins the names of the figures.
 */
export function resultsPage(evaluation: Evaluation, command: string, name: string): ResultsPage {
  const all = groupTrainings(evaluation)
  const figures = new Map<string, string>()
  const show = (title: string, topic: string, svg: string): string => {
    if (svg === '') return ''
    const path = `figures/${name}-${topic}.svg`
    figures.set(path, ownSize(standaloneSvg(svg)))
    return `![${title}](${path})`
  }
  const text = [
    '# Results',
    'Our own trainings of the variants of LayerShuffle ([arXiv 2407.04513](https://arxiv.org/abs/2407.04513)) and of its baselines, side by side. The whole page is made by one command, see its end.',
    aboutImages(evaluation),
    '## Accuracy',
    'All layers. *In sequence*: in their own order. *Arbitrary order*: a fresh order for every batch of at most 100 images. The spread is that between trainings of other seeds where there are several; *over orders* is the deviation between the passes of one training, each with orders of its own.',
    accuracyTable(all),
    budgetLines(all),
    '## Beside the claims of the paper',
    `The paper fine-tunes ViT-B and DeiT on ImageNet; these are small models trained from nothing, so that the direction of an effect can be compared and its size only roughly. ${seedsLine(all)} Differences below ${(100 * NOISE_SHARE).toFixed(1)} points, or twice the spread of either side, are not told apart.`,
    ...claimLines(all, evaluation),
    ...prunedSection(all, show),
    ...ensembleSection(all, show),
    ...heatMapSection(all, show),
    ...tableSections(all, evaluation),
    '## Every training',
    'Accuracy in arbitrary order with the deviation over its seeds of orders; a training image counts in every epoch.',
    trainingsTable(evaluation.releases),
    '## Make it again',
    'The trainings follow the recipes of the same names in `packages/trainer/recipes`, with the seeds given above; `node scripts/paper-table.mjs` trains all that are named `paper-` and makes this page, and this is its last step:',
    `\`\`\`sh\n${command}\n\`\`\``,
  ]
  return { text: `${text.filter((part) => part !== '').join('\n\n')}\n`, figures }
}

/** Plots of another shape than that of a line plot are as large as their view. */
function ownSize(svg: string): string {
  const [, width = '', height = ''] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg) ?? []
  return svg.replace(/width="\d+" height="\d+"/, `width="${width}" height="${height}"`)
}

type Show = (title: string, topic: string, svg: string) => string

function spread(value: Spread, trainings: number): string {
  return trainings > 1 ? percentSpread(value) : percent(value.mean)
}

function accuracyTable(all: readonly Trainings[]): string {
  const columns = [
    'model',
    'variant',
    'layers',
    'parameters',
    'trainings',
    'in sequence',
    'arbitrary order',
    'over orders',
    'with ¾ of the layers',
    'CPU time each',
  ]
  const rows = all.map(({ label, models, average, sequential, arbitrary }) => {
    const { variant, layers, parameters, pruned } = average
    const left = Math.floor(layers * 0.75)
    const kept = pruned[left]
    const deviations = models.map((model) => model.arbitrary.std)
    return [
      label,
      variant,
      String(layers),
      grouped(parameters),
      String(models.length),
      spread(sequential, models.length),
      spread(arbitrary, models.length),
      `± ${percent(Math.max(...deviations), 2)}`,
      kept === undefined ? '–' : `${percent(kept.arbitrary)} (${left} of ${layers})`,
      minutes(cpuSecondsOf(models), models.length),
    ]
  })
  return markdownTable(columns, rows)
}

/** Processor time of all these trainings; undefined if one does not say. */
function cpuSecondsOf(models: readonly ModelEvaluation[]): number | undefined {
  const known = models.flatMap(({ training }) => training?.cpuSeconds ?? [])
  return known.length < models.length ? undefined : known.reduce((sum, one) => sum + one, 0)
}

function minutes(seconds: number | undefined, trainings: number): string {
  return seconds === undefined ? '–' : `${(seconds / trainings / 60).toFixed(1)} min`
}

function hours(seconds: number): string {
  return seconds < 7200
    ? `${(seconds / 60).toFixed(0)} minutes`
    : `${(seconds / 3600).toFixed(1)} hours`
}

/** Whether the models had the same chance, and what they cost. */
function budgetLines(all: readonly Trainings[]): string {
  const models = all.flatMap((one) => one.models)
  const images = models.flatMap(({ training }) => (training ? [training.images] : []))
  const seconds = cpuSecondsOf(models)
  const cost =
    seconds === undefined || models.length < 2
      ? ''
      : ` Together they took ${hours(seconds)} of processor time.`
  if (images.length < 2) return ''
  const [low, high] = [Math.min(...images), Math.max(...images)]
  // A training ends with a whole batch, a step more or less.
  return high <= low * 1.01
    ? `All of them saw the same number of training images, ${grouped(high)}.${cost}`
    : `They did **not** see the same number of training images (${grouped(low)} to ${grouped(high)}), so that rows of different budgets must not be compared.${cost}`
}

function seedsLine(all: readonly Trainings[]): string {
  const repeated = all.filter(({ models }) => models.length > 1)
  if (repeated.length === 0) return 'Each model was trained once, with one seed.'
  const names = repeated.map(({ label, models }) => `\`${label}\` ${models.length} times`)
  return `Trained with more than one seed: ${names.join(', ')}; the others once.`
}

function averages(all: readonly Trainings[]): ModelEvaluation[] {
  return all.map(({ average }) => average)
}

function prunedSection(all: readonly Trainings[], show: Show): string[] {
  if (all.length === 0) return []
  const { prunedInAnyOrder, prunedInSequence } = evaluationPlots(averages(all))
  const tables = reportTables({ releases: averages(all), merged: [], mixed: [] })
  const table = (title: string): string => {
    const found = tables.find((one) => one.title === title)
    return found === undefined ? '' : markdownTable(found.columns, found.rows)
  }
  return [
    '## Layers left',
    'Layers are skipped at random, drawn anew for every batch; the columns count those that are left.',
    '### In arbitrary order',
    table('Layers left, in arbitrary order'),
    show('Accuracy against layers left, arbitrary order', 'layers-any-order', prunedInAnyOrder),
    '### In sequence',
    table('Layers left, in sequence'),
    show('Accuracy against layers left, in sequence', 'layers-in-sequence', prunedInSequence),
  ]
}

/** Averaging over orders makes sense for models that run in any. */
function shuffledOf(all: readonly Trainings[]): Trainings[] {
  return all.filter(({ average: { variant } }) => isShuffled(variant))
}

function ensembleSection(all: readonly Trainings[], show: Show): string[] {
  const shuffled = shuffledOf(all)
  if (shuffled.length === 0) return []
  const { ensembles, calibration } = evaluationPlots(averages(shuffled))
  return [
    '## Several orders, one answer',
    'The shuffled models, their probabilities averaged over K orders for the same image; the tables below have the baselines too.',
    show('Accuracy of answers averaged over K orders', 'orders-accuracy', ensembles),
    show('Calibration error of answers averaged over K orders', 'orders-calibration', calibration),
  ]
}

function heatMapSection(all: readonly Trainings[], show: Show): string[] {
  const maps = shuffledOf(all).flatMap(({ label, average: { heatMap } }) => {
    const shown = show(
      `${label}: accuracy by layer and position`,
      `positions-${fileName(label)}`,
      heatMapPlot(label, heatMap),
    )
    return shown === '' ? [] : [shown]
  })
  if (maps.length === 0) return []
  return [
    '## Layer and position',
    'Accuracy when a layer (row) ran at a position (column), over orders that are otherwise arbitrary; every map has a scale of its own.',
    maps.join('\n'),
  ]
}

function fileName(label: string): string {
  return label.toLowerCase().replace(/[^a-z0-9]+/g, '-')
}

/** Ensembles, dtypes, foreign pictures and mixed models. */
function tableSections(all: readonly Trainings[], { merged, mixed }: Evaluation): string[] {
  const shown = [
    'Ensembles over orders',
    'Activations on the wire',
    'Foreign pictures',
    'Foreign pictures, set by set',
    'Merged models',
    'Mixed releases',
  ]
  return reportTables({ releases: averages(all), merged, mixed })
    .filter(({ title, rows }) => shown.includes(title) && rows.length > 0)
    .flatMap(({ title, about, columns, rows }) => [
      `## ${title}`,
      about,
      markdownTable(columns, rows),
    ])
}

function trainingsTable(releases: readonly ModelEvaluation[]): string {
  const columns = [
    'training',
    'variant',
    'seed',
    'images',
    'CPU seconds',
    'in sequence',
    'arbitrary order',
  ]
  const rows = releases.map(({ name, variant, training, sequential, arbitrary }) => [
    name,
    variant,
    training === undefined ? '–' : String(training.seed),
    training === undefined ? '–' : grouped(training.images),
    training?.cpuSeconds === undefined ? '–' : grouped(training.cpuSeconds),
    percent(sequential, 2),
    `${(100 * arbitrary.mean).toFixed(2)} ± ${percent(arbitrary.std, 2)}`,
  ])
  return rows.length === 0 ? '' : markdownTable(columns, rows)
}
