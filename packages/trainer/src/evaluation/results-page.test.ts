import type { Variant } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import type { Evaluation, ModelEvaluation } from './evaluate-models.ts'
import { evaluationHtml } from './report-html.ts'
import { evaluationMarkdown } from './report-markdown.ts'
import { labelsOf } from './report-tables.ts'
import { resultsPage } from './results-page.ts'

interface Figures {
  readonly sequential: number
  readonly arbitrary: number
  readonly layers?: number
  readonly images?: number
}

function evaluated(
  name: string,
  variant: Variant,
  { sequential, arbitrary, layers = 4, images = 1000 }: Figures,
): ModelEvaluation {
  const kept = (left: number): number => arbitrary - 0.01 * (layers - left)
  const pruned = Array.from({ length: layers }, (_, left) => [
    String(left),
    { arbitrary: kept(left), arbitraryStd: 0, sequential: kept(left), sequentialStd: 0 },
  ])
  const wire = { accuracy: arbitrary, agreement: 1, bytesPerHop: 100 }
  return {
    name,
    variant,
    layers,
    parameters: 12345,
    training: { images, seed: 1, cpuSeconds: 60 },
    images: 10_000,
    sequential,
    arbitrary: { mean: arbitrary, std: 0.001, orders: 500, seeds: 5 },
    pruned: Object.fromEntries(pruned),
    rounds: {},
    heatMap: Array.from({ length: layers }, () => Array<number>(layers).fill(arbitrary)),
    ensembles: [{ orders: 1, accuracy: arbitrary, calibrationError: 0.02 }],
    wire: { float32: wire, float16: wire, int8: wire },
    foreign: {
      ...{ images: 1000, perSet: 100 },
      orders: {
        '1': {
          ...{ novelty: 0.9, confidence: 0.8, entropy: 0.85, variance: null, found: 0.5 },
          sets: { noise: 0.95, glyphs: 0.85 },
        },
      },
    },
  }
}

const shuffle = evaluated('vit', 'shuffle', { sequential: 0.9, arbitrary: 0.9 })
const sequential = evaluated('vit-sequential', 'sequential', { sequential: 0.92, arbitrary: 0.2 })
const layerdrop = evaluated('vit-layerdrop', 'layerdrop', { sequential: 0.91, arbitrary: 0.3 })
const small = evaluated('vit-small', 'sequential', { sequential: 0.89, arbitrary: 0.4, layers: 2 })
const predict = evaluated('vit-predict', 'predict', { sequential: 0.87, arbitrary: 0.87 })
const merged = {
  of: ['vit', 'vit (second)'] as const,
  variant: 'shuffle' as const,
  images: 10_000,
  masks: 3,
  sequential: { mean: 0.5, std: 0.01 },
  arbitrary: { mean: 0.6, std: 0.01, orders: 300 },
}

const mixed = {
  of: ['vit', 'vit (second)'],
  variant: 'shuffle' as const,
  images: 10_000,
  arbitrary: { mean: 0.7, std: 0.01, orders: 400 },
}

const pageOf = (releases: readonly ModelEvaluation[], pairs: Evaluation['merged'] = []) =>
  resultsPage({ releases, merged: pairs, mixed: [] }, 'npx layerswarm evaluate all', 'results')
const page = (...given: Parameters<typeof pageOf>): string => pageOf(...given).text

/** Another training of a model by the same recipe. */
function secondSeed(of: ModelEvaluation, arbitrary: number): ModelEvaluation {
  const training = { images: 1000, seed: 2, cpuSeconds: 120 }
  const again = evaluated(of.name, of.variant, { sequential: 0.88, arbitrary })
  return { ...again, name: `${of.name} (second)`, training }
}

describe('the page of results', () => {
  test('has a row per model and what it cost', () => {
    expect(page([shuffle, small])).toContain(
      '| shuffle | shuffle | 4 | 12\u202f345 | 1 | 90.0 % | 90.0 % | ± 0.10 % | 89.0 % (3 of 4) | 1.0 min |',
    )
    expect(page([shuffle, small])).toContain('| vit | shuffle | 1 | 1\u202f000 | 60 | 90.00 % |')
    expect(page([shuffle, small])).toContain('(1 of 2)')
    const imported = page([{ ...shuffle, training: undefined }])
    expect(imported).toContain('| vit | shuffle | – | – | – | 90.00 % |')
    expect(imported).toContain('| 89.0 % (3 of 4) | – |')
  })

  test('averages trainings that differ by their seeds, and lists each', () => {
    const text = page([shuffle, predict, secondSeed(shuffle, 0.88)], [merged])
    expect(text).toContain(
      '| shuffle | shuffle | 4 | 12\u202f345 | 2 | 89.0 ± 1.4 % | 89.0 ± 1.4 % | ± 0.10 % | 88.0 % (3 of 4) | 1.5 min |',
    )
    expect(text).toContain('| vit (second) | shuffle | 2 |')
    expect(text).toContain('with more than one seed: `shuffle` 2 times; the others once')
    expect(text).toMatch(/mixed without loss.*`shuffle` 89\.0 % before and 60\.0 % after/)
    expect(text).toContain('| vit and vit (second) | shuffle | 3 |')
  })

  test('tells trainings apart only by more than their spread', () => {
    const position = evaluated('vit-position', 'position', { sequential: 0.9, arbitrary: 0.91 })
    expect(page([shuffle, position])).toMatch(/`position`\) changes little\.\*\* Here it helps/)
    const wide = page([shuffle, position, secondSeed(shuffle, 0.88)])
    expect(wide).toMatch(/`position`\) changes little\.\*\* Agrees, they cannot be told apart/)
  })

  test('has the baselines first, the deepest before the others', () => {
    const text = page([predict, small, shuffle, layerdrop, sequential])
    const rows = [...text.matchAll(/^\| (\w+) \| \w+ \| \d \|/gm)].map(([, label]) => label)
    expect(rows.slice(0, 5)).toEqual(['sequential', 'small', 'layerdrop', 'shuffle', 'predict'])
  })

  test('does not average trainings of other budgets or shapes', () => {
    const longer = { ...secondSeed(shuffle, 0.95), training: { images: 2000, seed: 2 } }
    expect(page([shuffle, longer])).toMatch(
      /\| 1 \| 90\.0 % \| 90\.0 % .*\n.*\| 1 \| 88\.0 % \| 95\.0 %/,
    )
  })

  test('shows figures that lie beside it', () => {
    const { text, figures } = pageOf([shuffle, sequential])
    const shown = [...text.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, path]) => path)
    expect(shown.toSorted()).toEqual([...figures.keys()].toSorted())
    expect(shown).toContain('figures/results-layers-any-order.svg')
    expect(shown).toContain('figures/results-positions-shuffle.svg')
    for (const svg of figures.values()) expect(svg).toMatch(/^<svg xmlns="[^"]+" width="\d+"/)
  })

  test('says that a claim agrees in part', () => {
    const half = { ...layerdrop, arbitrary: { ...layerdrop.arbitrary, mean: layerdrop.sequential } }
    expect(page([sequential, half], [])).toMatch(/fail in arbitrary order\.\*\* Agrees in part: /)
  })

  test('says which claims agree', () => {
    const text = page([shuffle, sequential, layerdrop, small, predict], [merged])
    expect(text).toMatch(
      /fail in arbitrary order\.\*\* Agrees: `sequential` falls from 92\.0 % to 20\.0 %/,
    )
    expect(text).toMatch(
      /about 20 % of accuracy\.\*\* Much less here: .*`shuffle` 90\.0 % \(2\.0 points lost\)/,
    )
    expect(text).toMatch(/`predict` is the worst of the variants\.\*\* Agrees/)
    expect(text).toMatch(/small one of the same cost\?\*\* No: 2 random layers of 4 reach 88\.0 %/)
    expect(text).toMatch(
      /mixed without loss.*\*\* Does not agree: `shuffle` 90\.0 % before and 60\.0 % after/,
    )
    expect(text).toContain('npx layerswarm evaluate all')
  })

  test('does not tell apart what is within noise', () => {
    const near = evaluated('vit-predict', 'predict', { sequential: 0.9, arbitrary: 0.898 })
    expect(page([shuffle, near])).toMatch(/worst of the variants\.\*\* Cannot be told apart/)
  })

  test('says that budgets differ', () => {
    expect(page([shuffle, sequential])).toContain('All of them saw the same number')
    const longer = evaluated('vit-b', 'sequential', {
      sequential: 0.9,
      arbitrary: 0.2,
      images: 2000,
    })
    expect(page([shuffle, longer])).toMatch(
      /did \*\*not\*\* see the same number .* \(1\u202f000 to 2\u202f000\)/,
    )
  })

  test.each([
    ['none', []],
    ['the baseline alone', [sequential]],
    ['the small one alone', [small]],
    ['an imported one', [{ ...predict, training: undefined }]],
  ])('is made of %s', (_, releases) => {
    const text = page(releases)
    expect(text).toContain('# Results')
    expect(text).not.toMatch(/undefined|NaN/)
  })
})

describe('the report', () => {
  test('shows models of different depth side by side, as Markdown and as one page', () => {
    const evaluation = { releases: [shuffle, small], merged: [merged], mixed: [mixed] }
    for (const text of [evaluationMarkdown(evaluation), evaluationHtml(evaluation)]) {
      expect(text).not.toMatch(/undefined|NaN/)
      expect(text).toContain('vit (second)')
    }
    expect(evaluationMarkdown(evaluation)).toContain('| small | – | – | 89.0 % | 39.0 % | 38.0 % |')
    expect(evaluationHtml(evaluation).match(/<svg/g)).toHaveLength(6)
  })

  test('tells foreign pictures from its own by the number of orders, and mixtures of releases', () => {
    const evaluation = { releases: [shuffle], merged: [], mixed: [mixed] }
    const text = evaluationMarkdown(evaluation)
    expect(text).toContain('| vit | 1 | 0.800 | 0.850 | – | 0.900 | 50.0 % |')
    expect(text).toContain('| vit | 0.950 | 0.850 |')
    expect(text).toContain('| vit, vit (second) | shuffle | 70.0 ± 1.0 % |')
  })

  test('escapes what a name may hold', () => {
    const odd = { ...shuffle, name: '<b>&"', variant: 'shuffle' as const }
    expect(evaluationHtml({ releases: [odd], merged: [], mixed: [] })).not.toContain('<b>')
  })

  test('of nothing is a page too', () => {
    expect(evaluationHtml({ releases: [], merged: [], mixed: [] })).toContain(
      'No model was measured.',
    )
  })
})

test('labels leave out what all names begin with, unless that makes them alike', () => {
  expect(labelsOf([shuffle, sequential, small])).toEqual(['shuffle', 'sequential', 'small'])
  expect(labelsOf([shuffle])).toEqual(['vit'])
  expect(labelsOf([shuffle, { ...sequential, name: 'vit-shuffle' }])).toEqual([
    'vit',
    'vit-shuffle',
  ])
})
