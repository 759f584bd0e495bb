import { LAYER_DTYPES } from '@layerswarm/model'
import type { Evaluation, ModelEvaluation } from './evaluate-models.ts'
import type { Spread, WireMeasure } from './experiments.ts'
import type { ForeignMeasure } from './novelty.ts'

/** A table of texts; the first row of cells belongs to the first model, and so on. */
export interface ReportTable {
  readonly title: string
  /** What the figures are. */
  readonly about: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** A share as people read it: "88.3 %". */
export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`
}

/** Mean and deviation of shares as percent with one decimal: "91.2 ± 0.3 %". */
export function percentSpread({ mean, std }: Spread): string {
  return `${(100 * mean).toFixed(1)} ± ${(100 * std).toFixed(1)} %`
}

/** A count with thin spaces between the thousands. */
export function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f')
}

/** Short names that tell the models apart: without what all names begin with. */
export function labelsOf(models: readonly Pick<ModelEvaluation, 'name' | 'variant'>[]): string[] {
  const words = models.map(({ name }) => name.split('-'))
  const [first = []] = words
  let common = 0
  while (common < first.length && words.every((own) => own[common] === first[common])) common += 1
  if (models.length === 1) common = 0
  const labels = models.map(
    ({ variant }, index) => words[index]?.slice(common).join('-') || variant,
  )
  const isClear = new Set(labels).size === labels.length
  return isClear ? labels : models.map(({ name }) => name)
}

/** All figures of an evaluation as tables, one row per model. */
export function reportTables({ releases, merged, mixed }: Evaluation): ReportTable[] {
  const labels = labelsOf(releases)
  const perModel = (cells: (model: ModelEvaluation) => readonly string[]): (readonly string[])[] =>
    releases.map((model, index) => [labels[index] ?? model.name, ...cells(model)])
  const tables = [
    {
      title: 'Accuracy',
      about:
        'All layers, in their own order and in arbitrary order: a fresh order for every batch of at most 100 images, mean and deviation over the seeds.',
      columns: ['model', 'variant', 'layers', 'parameters', 'in sequence', 'arbitrary order'],
      rows: perModel(({ variant, layers, parameters, sequential, arbitrary }) => [
        variant,
        String(layers),
        grouped(parameters),
        percent(sequential),
        percentSpread(arbitrary),
      ]),
    },
    ...(['arbitrary', 'sequential'] as const).map((order) =>
      prunedTable(releases, order, perModel),
    ),
    ...roundsTables(releases, perModel),
    ...layerFilesTables(releases, perModel),
    {
      title: 'Ensembles over orders',
      about:
        'Probabilities averaged over K orders: accuracy, and behind it the expected calibration error (15 bins).',
      columns: ['model', ...ensembleSizes(releases).map((orders) => `K = ${orders}`)],
      rows: perModel(({ ensembles }) =>
        ensembleSizes(releases).map((orders) => {
          const found = ensembles.find((one) => one.orders === orders)
          return found === undefined
            ? '–'
            : `${percent(found.accuracy)}, ${percent(found.calibrationError)}`
        }),
      ),
    },
    {
      title: 'Activations on the wire',
      about:
        'Accuracy in arbitrary order with every activation encoded between the layers, and behind it the share of answers that are as with float32; bytes of one image per hop.',
      columns: ['model', 'float32', 'float16', 'int8', 'bytes per hop'],
      rows: perModel(({ wire: { float32, float16, int8 } }) => [
        float32 === null ? '–' : percent(float32.accuracy),
        ...[float16, int8].map(wireCell),
        [float32, float16, int8]
          .map((one) => (one === null ? '–' : grouped(one.bytesPerHop)))
          .join(' / '),
      ]),
    },
    foreignTable(releases, labels),
    foreignSetsTable(releases, perModel),
  ]
  return [
    ...tables,
    ...(merged.length === 0 ? [] : [mergedTable(merged)]),
    ...(mixed.length === 0 ? [] : [mixedTable(mixed)]),
  ]
}

/** Where any was measured. */
function layerFilesTables(
  releases: Evaluation['releases'],
  perModel: (cells: (model: ModelEvaluation) => readonly string[]) => (readonly string[])[],
): ReportTable[] {
  const kinds = LAYER_DTYPES.filter((dtype) =>
    releases.some(({ layerFiles }) => layerFiles?.kinds[dtype] !== undefined),
  )
  if (kinds.length === 0) return []
  const cell = (share: number, bytes: number) => `${percent(share, 2)}, ${grouped(bytes)}`
  return [
    {
      title: 'Layer files',
      about:
        'Accuracy in arbitrary order, the same orders for all, with smaller files of the layers, and behind it the bytes of the largest one; mixed: every layer from any of them at random.',
      columns: ['model', 'own', ...kinds, 'mixed'],
      rows: perModel(({ layerFiles }) => {
        if (layerFiles === undefined) return ['–', ...kinds.map(() => '–'), '–']
        const { own, ownLayerBytes, mixed } = layerFiles
        return [
          cell(own.mean, ownLayerBytes),
          ...kinds.map((dtype) => {
            const found = layerFiles.kinds[dtype]
            return found === undefined ? '–' : cell(found.mean, found.layerBytes)
          }),
          percent(mixed.mean, 2),
        ]
      }),
    },
  ]
}

/** One row for every model and number of orders. */
function foreignTable(releases: Evaluation['releases'], labels: readonly string[]): ReportTable {
  const area = (value: number | null): string => (value === null ? '–' : value.toFixed(3))
  const rows = releases.flatMap(({ name, foreign }, index) =>
    Object.entries(foreign.orders).map(([orders, measure]) => [
      labels[index] ?? name,
      orders,
      ...[measure.confidence, measure.entropy, measure.variance, measure.novelty].map(area),
      percent(measure.found),
    ]),
  )
  return {
    title: 'Foreign pictures',
    about:
      'How well pictures of something else are told from test images by their logits in K orders, mean area under the ROC curve over the foreign sets (0.5: not at all). Novelty is what answers are judged by; found is the share of foreign pictures above the threshold that 5 % of the test images are above.',
    columns: ['model', 'K', 'confidence', 'entropy', 'variance', 'novelty', 'found'],
    rows,
  }
}

/** Of the most orders that each model was measured in. */
function foreignSetsTable(
  releases: Evaluation['releases'],
  perModel: (
    cells: (model: ModelEvaluation) => readonly string[],
  ) => readonly (readonly string[])[],
): ReportTable {
  const most = ({ foreign }: ModelEvaluation): ForeignMeasure | undefined =>
    Object.values(foreign.orders).at(-1)
  const names = [...new Set(releases.flatMap((model) => Object.keys(most(model)?.sets ?? {})))]
  return {
    title: 'Foreign pictures, set by set',
    about: 'Area under the ROC curve of novelty in the most orders of the table above.',
    columns: ['model', ...names],
    rows: perModel((model) => names.map((name) => (most(model)?.sets[name] ?? 0).toFixed(3))),
  }
}

function prunedTable(
  releases: Evaluation['releases'],
  order: 'arbitrary' | 'sequential',
  perModel: (
    cells: (model: ModelEvaluation) => readonly string[],
  ) => readonly (readonly string[])[],
): ReportTable {
  const counts = layerCounts(releases)
  return {
    title: `Layers left, ${order === 'arbitrary' ? 'in arbitrary order' : 'in sequence'}`,
    about: 'Which layers are skipped is drawn anew for every batch.',
    columns: ['model', ...counts.map(String)],
    rows: perModel((model) =>
      counts.map((left) => {
        if (left === model.layers)
          return percent(order === 'arbitrary' ? model.arbitrary.mean : model.sequential)
        const share = model.pruned[left]?.[order]
        return share === undefined ? '–' : percent(share)
      }),
    ),
  }
}

/** None where no grouping was asked for. */
function roundsTables(
  releases: Evaluation['releases'],
  perModel: (
    cells: (model: ModelEvaluation) => readonly string[],
  ) => readonly (readonly string[])[],
): ReportTable[] {
  const groupings = [...new Set(releases.flatMap(({ rounds }) => Object.keys(rounds)))]
  if (groupings.length === 0) return []
  return [
    {
      title: 'In rounds',
      about:
        'All layers, those of a round at once on the same input and their updates summed; which layers share a round is drawn anew for every batch.',
      columns: ['model', ...groupings],
      rows: perModel(({ rounds }) =>
        groupings.map((grouping) => {
          const found = rounds[grouping]
          return found === undefined ? '–' : percentSpread(found)
        }),
      ),
    },
  ]
}

function wireCell(measure: WireMeasure | null): string {
  if (measure === null) return 'too large'
  return `${percent(measure.accuracy)}, ${percent(measure.agreement, 2)}`
}

/** All numbers of layers, from the largest model down. */
function layerCounts(releases: Evaluation['releases']): number[] {
  const most = Math.max(0, ...releases.map(({ layers }) => layers))
  return Array.from({ length: most + 1 }, (_, index) => most - index)
}

function ensembleSizes(releases: Evaluation['releases']): number[] {
  const sizes = releases.flatMap(({ ensembles }) => ensembles.map(({ orders }) => orders))
  return [...new Set(sizes)].toSorted((a, b) => a - b)
}

function mergedTable(merged: Evaluation['merged']): ReportTable {
  return {
    title: 'Merged models',
    about:
      'Half of the layers from one training and half from another, by drawn masks; stem and head from the first.',
    columns: ['of', 'variant', 'masks', 'in sequence', 'arbitrary order'],
    rows: merged.map(({ of, variant, masks, sequential, arbitrary }) => [
      of.join(' and '),
      variant,
      String(masks),
      percentSpread(sequential),
      percentSpread(arbitrary),
    ]),
  }
}

function mixedTable(mixed: Evaluation['mixed']): ReportTable {
  return {
    title: 'Mixed releases',
    about:
      'Every layer of every batch from one of the models at random, stem and head from each in turn, in arbitrary order: a swarm that hosts all of them.',
    columns: ['of', 'variant', 'arbitrary order'],
    rows: mixed.map(({ of, variant, arbitrary }) => [
      of.join(', '),
      variant,
      percentSpread(arbitrary),
    ]),
  }
}
