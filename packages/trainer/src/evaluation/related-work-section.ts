import type { TrainingFacts } from './evaluate-models.ts'
import type { MenderView } from './mended.ts'
import type { CoreWork, MendedWork, SharedWork } from './related-work.ts'
import { markdownTable } from './report-markdown.ts'
import { grouped, percent } from './report-tables.ts'

/** A section of the page of results; the next title, or the end of the page, ends it. */
export interface Section {
  /** A whole line, "### …". */
  readonly title: string
  /** Without the title. */
  readonly text: string
}

/** Layers that share their weights. @param command makes the section again. */
export function sharedSection(work: SharedWork, command: string): Section {
  const { models, layers } = work
  const shown = shownOf(layers)
  const rows = models.map(({ name, distinct, layerBytes, all, left }) => [
    name,
    String(distinct),
    grouped(distinct * layerBytes),
    ...shown.map((count) => percent((count === layers ? all : left[count])?.mean ?? 0)),
  ])
  const [plain, ...others] = models
  const losses = others.map(
    ({ name, all }) => `\`${name}\` has ${points(all.mean - (plain?.all.mean ?? 0))}`,
  )
  return section('### Layers shared by all places', command, [
    `One set of weights in all ${layers} places (\`distinctLayers\`; as in Universal Transformers, arXiv 1807.03819, and ALBERT, arXiv 1909.11942). What it buys: one layer's bytes are the whole encoder, so that any host serves any step, and a layer is missing only when nobody is left. ${losses.join(', ')} than \`${plain?.name ?? ''}\`, whose layers are all their own, after so few images; layers of their own go on learning with more (\`fashion-vit\` reaches 91.5 %), and how far shared ones do was not tried. ${about(work)} ${trainedLine(models)}`,
    markdownTable(
      ['model', 'layers of their own', 'bytes of all layers', ...shown.map(leftTitle(layers))],
      rows,
    ),
  ])
}

/** A small network at the logits. @param command makes the section again. */
export function mendedSection(work: MendedWork, command: string): Section {
  const { name, layers, plain, mended, parameters, images, seed, cpuSeconds } = work
  const shown = shownOf(layers)
  const row = (title: string, values: string, spreads: readonly { mean: number }[]): string[] => [
    ...[title, values],
    ...shown.map((left) => percent(spreads[left - 1]?.mean ?? 0)),
  ]
  const meanOf = (view: MenderView): number => {
    const spreads = mended.get(view) ?? []
    return shown.reduce((sum, left) => sum + (spreads[left - 1]?.mean ?? 0), 0) / shown.length
  }
  const ofMask = meanOf('logits and mask') - meanOf('logits')
  return section('### A small network at the logits', command, [
    `Of two matrices, it sees what an answer was made from and which layers ran, and adds to the logits; the model stays as it is. It learnt from ${grouped(images)} training images in one drawn order each, stopped after each of the layers (seed ${seed}; ${grouped(cpuSeconds)} s of processor time for the answers and all networks). What it buys: it would stand with whoever asks, no host needs to know of it, and it mends much of what missing layers take from a model that was not trained to miss them (\`dropLayers\` is that training). To know which layers ran ${ofMask < 0 ? 'costs' : 'gains'} ${Math.abs(100 * ofMask).toFixed(1)} points in the mean of the columns; with all layers there it is not needed. ${about(work)}`,
    markdownTable(
      [`${name}, and what the network sees`, 'values', ...shown.map(leftTitle(layers))],
      [
        row('no network', '–', plain),
        ...[...mended].map(([view, spreads]) =>
          row(view, grouped(parameters.get(view) ?? 0), spreads),
        ),
      ],
    ),
  ])
}

/** Low-rank cores. @param command makes the section again. */
export function coreSection(work: CoreWork, command: string): Section {
  const { rank, bytes, models } = work
  return section('### A low-rank core split off', command, [
    `Each matrix of a layer reduced to rank ${rank}, in training for a random half of the layers of every step (\`coreRank\`; ranks drawn in training as in DyLoRA, arXiv 2210.07558). What it buys: a host with little room could serve ${grouped(bytes.core)} bytes of a layer instead of ${grouped(bytes.whole)} (float32; two factors for each matrix), beside hosts that serve all of it. An int4 file of the whole layer is smaller and loses less ([training.md](training.md)); what a core saves besides is arithmetic. ${about(work)} ${trainedLine(models)}`,
    markdownTable(
      ['model', 'whole layers', 'each whole or core, drawn', 'cores only'],
      models.map(({ name, whole, mixed, core }) => [
        name,
        percent(whole.mean),
        percent(mixed.mean),
        percent(core.mean),
      ]),
    ),
  ])
}

function section(title: string, command: string, parts: readonly string[]): Section {
  return { title, text: [...parts, `\`\`\`sh\n${command}\n\`\`\``].join('\n\n') }
}

/** Numbers of layers that the tables show, the most first. */
function shownOf(layers: number): number[] {
  return Array.from({ length: layers }, (_, index) => layers - index).filter(
    (left) => left === 1 || left % 2 === layers % 2,
  )
}

const leftTitle =
  (layers: number) =>
  (left: number): string =>
    left === layers ? `all ${layers}` : `${left} left`

function about({ testImages, passes }: { testImages: number; passes: number }): string {
  const often = passes === 1 ? 'one pass' : `${passes} passes`
  return `Arbitrary order, ${grouped(testImages)} test images, ${often} with a fresh order for every 100 images.`
}

/** What the models cost; they are called by their recipes. */
function trainedLine(
  models: readonly { readonly name: string; readonly training?: TrainingFacts | undefined }[],
): string {
  const costs = models.flatMap(({ name, training }) => {
    if (training === undefined) return []
    const { images, seed, cpuSeconds } = training
    const cost = cpuSeconds === undefined ? '' : `, ${grouped(cpuSeconds)} s of processor time`
    return [`\`${name}\` (${grouped(images)} images, seed ${seed}${cost})`]
  })
  return costs.length === 0
    ? ''
    : `Each was trained once by the recipe of its name, so that differences below a point say little: ${costs.join(', ')}.`
}

/** "3.1 points less" or "0.4 points more". */
function points(gained: number): string {
  return `${Math.abs(100 * gained).toFixed(1)} points ${gained < 0 ? 'less' : 'more'}`
}
