import { join } from 'node:path'
import type { Evaluation } from '@layerswarm/trainer'
import { usageError } from '../cli-error.ts'
import { EVALUATION_REPORT_BYTES } from '../limits.ts'
import { defineCommand } from '../line/command.ts'
import { layerKindsOption } from '../line/layer-files-option.ts'
import { count, text, texts } from '../line/option.ts'
import { STRICT_OPTION } from '../line/strict-option.ts'

/** `layerswarm evaluate`. The measurements of the trainer's `evaluateModels`, for folders. */
export const evaluate = defineCommand({
  name: 'evaluate',
  summary:
    'measure models in sequence, in arbitrary orders, pruned, mixed, over the wire and with foreign pictures',
  begins: 'measuring',
  usage: [
    'DIR… [--data DIR [--download FILE] | --samples DIR] [--strict] [--images N] [--seeds N] [--rounds 4+4]… [--layer-files int8,int4] [--report DIR] [--results FILE]',
  ],
  positionals: { min: 1, max: 100, placeholder: 'one DIR or more' },
  options: {
    data: text(
      'DIR',
      'data set: idx files of Fashion-MNIST or MNIST, CIFAR-10 or CIFAR-100 binary files, or DIR/class/*.png; its test images are used (Fashion-MNIST where Debian installs it)',
    ),
    samples: text('DIR', 'a sample pack instead, such as models/samples/fashion-mnist-500'),
    download: text('FILE', 'fetches what --data lacks, as a list of addresses and hashes says'),
    strict: STRICT_OPTION,
    images: count('how many of the test images, for a quick look (all of them)', {
      low: 1,
      high: 1_000_000,
      otherwise: undefined,
    }),
    seeds: count('passes in arbitrary order', { low: 1, high: 100, otherwise: 5 }),
    rounds: texts(
      '4+4',
      'also measures all layers in rounds of these sizes, those of a round at once on the same input',
    ),
    'layer-files': layerKindsOption(
      'also measures the layers in smaller files of these kinds, those that a release has in any case',
    ),
    report: text('DIR', 'receives report.json, report.md and report.html with plots'),
    results: text('FILE', 'receives a page that sets the figures beside the claims of the paper'),
  },
  examples: [
    'evaluate models/fashion-vit',
    'evaluate models/fashion-vit --samples models/samples/fashion-mnist-500 --json',
    'evaluate models/fashion-vit --rounds 4+4 --rounds 2+2+2+2 --rounds 8',
    'evaluate models/fashion-vit --layer-files float16,int8,int4 --json',
    'evaluate models/fashion-vit models/fashion-vit-sequential --images 1000 --report reports/short',
    'evaluate models/fashion-vit* --results docs/results.md',
  ],
  async run({ positionals, values, signal, print, table, log, progress, emit }) {
    if (values.data !== undefined && values.samples !== undefined) {
      throw usageError('evaluate takes --data or --samples, not both')
    }
    const { evaluateFolders } = await import('../release/evaluate-folders.ts')
    const { openOutputFile, openOutputFolder, writeEvaluation, writeResultsPage } = await import(
      '@layerswarm/trainer'
    )
    const { refuseTaken } = await import('../release/taken-folder.ts')
    if (values.report !== undefined) {
      await refuseTaken(values.report, '--report')
      await openOutputFolder(values.report, EVALUATION_REPORT_BYTES)
    }
    if (values.results !== undefined)
      await openOutputFile(values.results, EVALUATION_REPORT_BYTES, 'results.md')
    const evaluation = await evaluateFolders(positionals, {
      ...values,
      ...{ layerFiles: values['layer-files'], signal, log, progress },
    })
    for (const line of evaluationLines(evaluation)) print(line)
    const foreign = evaluation.releases.flatMap(foreignRows)
    if (foreign.length > 0)
      table({
        head: ['foreign pictures told apart', 'orders', 'area', 'by confidence'],
        rows: foreign,
      })
    if (values.report !== undefined) {
      await writeEvaluation(values.report, evaluation)
      print(`report in ${join(values.report, 'report.html')}`)
    }
    if (values.results !== undefined) {
      const words = [
        ...positionals,
        ...quickOf(values.images),
        ...roundsOf(values.rounds),
        ...kindsOf(values['layer-files']),
        '--results',
        values.results,
      ]
      await writeResultsPage(
        values.results,
        evaluation,
        `npx layerswarm evaluate ${words.join(' ')}`,
      )
      print(`results in ${values.results}`)
    }
    emit({ ...evaluation })
  },
})

/** What was measured, a line each. */
function evaluationLines({ releases, merged, mixed }: Evaluation): string[] {
  return [
    ...releases.flatMap(releaseLines),
    ...merged.map(
      ({ of, sequential, arbitrary }) =>
        `${of.join(' and ')} merged: ${percent(sequential.mean)} in sequence, ${percent(arbitrary.mean)} in arbitrary order`,
    ),
    ...mixed.map(
      ({ of, arbitrary }) =>
        `${of.join(', ')}, every layer from one of them at random: ${percent(arbitrary.mean)} ± ${percent(arbitrary.std)} in arbitrary order`,
    ),
  ]
}

function releaseLines(release: Evaluation['releases'][number]): string[] {
  const { name, images, sequential, arbitrary, rounds } = release
  const spread = `${percent(arbitrary.mean)} ± ${percent(arbitrary.std)} in ${arbitrary.orders} orders`
  return [
    `${name}: ${percent(sequential)} in sequence, ${spread}, ${images} images`,
    ...Object.entries(rounds).map(
      ([grouping, measured]) =>
        `${name}: ${percent(measured.mean)} ± ${percent(measured.std)} in rounds of ${grouping}`,
    ),
    ...layerFilesLines(release),
  ]
}

/** The area below the ROC curve, 1 for told apart without a fault, by what either score says. */
function foreignRows({ name, foreign }: Evaluation['releases'][number]): string[][] {
  return Object.entries(foreign.orders).map(([orders, { novelty, confidence }]) => [
    name,
    orders,
    novelty.toFixed(3),
    confidence.toFixed(3),
  ])
}

function quickOf(images: number | undefined): string[] {
  return images === undefined ? [] : ['--images', String(images)]
}

function roundsOf(rounds: readonly string[]): string[] {
  return rounds.flatMap((grouping) => ['--rounds', grouping])
}

function kindsOf(kinds: readonly string[]): string[] {
  return kinds.length === 0 ? [] : ['--layer-files', kinds.join()]
}

function layerFilesLines({ name, layerFiles }: Evaluation['releases'][number]): string[] {
  if (layerFiles === undefined) return []
  const { own, ownLayerBytes, kinds, mixed } = layerFiles
  const line = (what: string, share: number, bytes: number) =>
    `${name}: ${(100 * share).toFixed(2)} % with ${what}, ${bytes} bytes a layer at most`
  return [
    line('its own layer files', own.mean, ownLayerBytes),
    ...Object.entries(kinds).map(([kind, { mean, layerBytes }]) => line(kind, mean, layerBytes)),
    `${name}: ${(100 * mixed.mean).toFixed(2)} % with every layer from any of these files`,
  ]
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
