import type { Variant } from '@layerswarm/model'
import type { Evaluation, ModelEvaluation, PrunedMeasure } from './evaluate-models.ts'
import { type Spread, spreadOf, type WireMeasure } from './experiments.ts'
import type { HeatMap } from './heat-map.ts'
import type { ForeignMeasure, ForeignMeasures } from './novelty.ts'
import { labelsOf } from './report-tables.ts'
import { mean } from './statistics.ts'

/** Trainings of one variant, shape and budget, which differ by their seeds. */
export interface Trainings {
  /** A short name, as `labelsOf` makes it of the first training. */
  readonly label: string
  readonly models: readonly ModelEvaluation[]
  /** The figures averaged over the trainings; spreads are those between them if there are several. */
  readonly average: ModelEvaluation
  /** Accuracies between the trainings; no spread where there is only one. */
  readonly sequential: Spread
  readonly arbitrary: Spread
}

/** Whether a variant is trained to run in any order. */
export function isShuffled(variant: Variant): boolean {
  return variant !== 'sequential' && variant !== 'layerdrop'
}

/** Baselines first, as the tables of the paper have them. */
const ORDER: readonly Variant[] = ['sequential', 'layerdrop', 'shuffle', 'position', 'predict']

/** Models that may be averaged: by variant, deep ones before shallow ones. */
export function groupTrainings({ releases }: Pick<Evaluation, 'releases'>): Trainings[] {
  const groups = new Map<string, ModelEvaluation[]>()
  for (const model of releases) {
    const { variant, layers, parameters, training } = model
    const key = [variant, layers, parameters, training?.images ?? `of ${model.name}`].join()
    groups.set(key, [...(groups.get(key) ?? []), model])
  }
  const place = ([first]: readonly ModelEvaluation[]): number =>
    first === undefined ? 0 : ORDER.indexOf(first.variant) - first.layers / 1000
  const all = [...groups.values()].toSorted((a, b) => place(a) - place(b))
  const labels = labelsOf(all.flatMap((models) => models.slice(0, 1)))
  return all.map((models, index) => averaged(models, labels[index] ?? ''))
}

function averaged(models: readonly ModelEvaluation[], label: string): Trainings {
  const [first] = models
  if (first === undefined) throw new RangeError('a group of trainings has one at least')
  const sequential = spreadOf(models.map((model) => model.sequential))
  const arbitrary = spreadOf(models.map((model) => model.arbitrary.mean))
  const isOne = models.length === 1
  const average: ModelEvaluation = {
    ...first,
    name: label,
    sequential: sequential.mean,
    arbitrary: { ...first.arbitrary, ...(isOne ? {} : arbitrary) },
    pruned: isOne ? first.pruned : averagePruned(models),
    rounds: averageRounds(models),
    heatMap: averageMap(models.map(({ heatMap }) => heatMap)),
    ensembles: first.ensembles.map(({ orders }) => {
      const same = models.flatMap(({ ensembles }) =>
        ensembles.filter((one) => one.orders === orders),
      )
      return {
        orders,
        accuracy: mean(same.map(({ accuracy }) => accuracy)),
        calibrationError: mean(same.map(({ calibrationError }) => calibrationError)),
      }
    }),
    wire: {
      float32: averageWire(models.map(({ wire }) => wire.float32)),
      float16: averageWire(models.map(({ wire }) => wire.float16)),
      int8: averageWire(models.map(({ wire }) => wire.int8)),
    },
    foreign: averageForeign(models.map(({ foreign }) => foreign)),
  }
  return { label, models, average, sequential, arbitrary }
}

/** Of the groupings that all were measured in. */
function averageRounds(models: readonly ModelEvaluation[]): ModelEvaluation['rounds'] {
  const [first] = models
  if (first === undefined || models.length === 1) return first?.rounds ?? {}
  const shared = Object.keys(first.rounds).filter((grouping) =>
    models.every(({ rounds }) => rounds[grouping] !== undefined),
  )
  return Object.fromEntries(
    shared.map((grouping) => [
      grouping,
      spreadOf(models.flatMap(({ rounds }) => rounds[grouping]?.mean ?? [])),
    ]),
  )
}

function averagePruned(models: readonly ModelEvaluation[]): Record<string, PrunedMeasure> {
  const counts = Object.keys(models[0]?.pruned ?? {})
  const entries = counts.map((left): [string, PrunedMeasure] => {
    const own = models.flatMap(({ pruned }) => pruned[left] ?? [])
    const arbitrary = spreadOf(own.map((one) => one.arbitrary))
    const sequential = spreadOf(own.map((one) => one.sequential))
    return [
      left,
      {
        arbitrary: arbitrary.mean,
        arbitraryStd: arbitrary.std,
        sequential: sequential.mean,
        sequentialStd: sequential.std,
      },
    ]
  })
  return Object.fromEntries(entries)
}

/** Layers of different trainings have nothing in common but their place in the own order. */
function averageMap(maps: readonly HeatMap[]): HeatMap {
  return (maps[0] ?? []).map((row, layer) =>
    row.map((_, position) => {
      const cells = maps.map((map) => map[layer]?.[position] ?? null)
      const known = cells.filter((cell) => cell !== null)
      return known.length === 0 ? null : mean(known)
    }),
  )
}

function averageWire(measures: readonly (WireMeasure | null)[]): WireMeasure | null {
  const known = measures.filter((one) => one !== null)
  const [first] = known
  if (first === undefined || known.length < measures.length) return null
  return {
    accuracy: mean(known.map(({ accuracy }) => accuracy)),
    agreement: mean(known.map(({ agreement }) => agreement)),
    bytesPerHop: first.bytesPerHop,
  }
}

/** Of the numbers of orders and the sets that all were measured with. */
function averageForeign(all: readonly ForeignMeasures[]): ForeignMeasures {
  const [first] = all
  if (first === undefined || all.length === 1) return first ?? { images: 0, perSet: 0, orders: {} }
  const orders = Object.keys(first.orders).map((count): [string, ForeignMeasure] => {
    const own = all.flatMap((one) => one.orders[count] ?? [])
    const sets = Object.keys(own[0]?.sets ?? {})
    return [
      count,
      {
        novelty: mean(own.map(({ novelty }) => novelty)),
        confidence: mean(own.map(({ confidence }) => confidence)),
        entropy: mean(own.map(({ entropy }) => entropy)),
        variance: own.some(({ variance }) => variance === null)
          ? null
          : mean(own.map(({ variance }) => variance ?? 0)),
        found: mean(own.map(({ found }) => found)),
        sets: Object.fromEntries(
          sets.map((name) => [name, mean(own.map((one) => one.sets[name] ?? 0))]),
        ),
      },
    ]
  })
  return { ...first, orders: Object.fromEntries(orders) }
}
