import { escapeXml, linePlot } from '@layerswarm/figures'
import type { Recipe } from './recipe.ts'
import type { TrainReport } from './report.ts'

const STYLE = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}
figure{margin:1.5rem 0}svg{width:100%;height:auto}table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;text-align:left}`

const NO_CURVES = 'none: there were too few training images to hold some out'

/** How a training went, as one HTML page that needs nothing else: the curves as SVG, and the recipe. */
export function trainPage(report: TrainReport, recipe: Recipe): string {
  const { curve, accuracies, spec } = report
  const { sequential, arbitrary } = accuracies
  const facts = [
    ['variant', spec.variant],
    ['parameters', String(report.parameters)],
    ['images seen', `${report.imagesSeen} in ${report.steps} steps`],
    ['time', `${minutes(report.wallSeconds)} (${minutes(report.cpuSeconds)} of processor time)`],
    ['engine', report.engine],
    ...(curve.length === 0 ? [['curves', NO_CURVES] as const] : []),
    ['test images, in sequence', percent(sequential)],
    [
      'test images, in arbitrary order',
      `${percent(arbitrary.mean)} ± ${percent(arbitrary.std)} over ${arbitrary.seeds} seeds`,
    ],
    ['began with', report.startedFrom ?? 'fresh weights'],
    ...report.teachers.map((hash) => ['teacher', hash] as const),
    ['model', report.modelHash],
  ]
  const plots =
    curve.length === 0
      ? []
      : [
          linePlot({
            title: 'Training loss, moving average',
            x: 'images seen',
            y: 'loss',
            series: [{ name: 'loss', points: curve.map(({ images, loss }) => [images, loss]) }],
          }),
          linePlot({
            title: 'Accuracy of the averaged weights on held-out training images',
            x: 'images seen',
            y: 'accuracy',
            yMax: 1,
            percent: true,
            series: [
              { name: 'in sequence', points: curve.map((one) => [one.images, one.sequential]) },
              {
                name: 'in arbitrary order',
                points: curve.map((one) => [one.images, one.arbitrary]),
              },
            ],
          }),
        ]
  const title = `Training of ${report.name}`
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>${escapeXml(title)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escapeXml(title)}</h1>${table(facts)}`,
    ...plots.map((plot) => `<figure>${plot}</figure>`),
    `<h2>Recipe</h2>${table(Object.entries(recipe).map(([key, value]) => [key, String(value)]))}`,
    '</body></html>',
  ].join('\n')
}

function table(rows: readonly (readonly string[])[]): string {
  const lines = rows.map(
    ([key = '', value = '']) =>
      `<tr><th scope="row">${escapeXml(key)}</th><td>${escapeXml(value)}</td></tr>`,
  )
  return `<table>${lines.join('')}</table>`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`
}

function minutes(seconds: number): string {
  return `${(seconds / 60).toFixed(1)} min`
}
