import { escapeXml, linePlot, type Series } from '@layerswarm/swarm'
import type { Evaluation, ModelEvaluation } from './evaluate-models.ts'
import { heatMapPlot } from './heat-map-plot.ts'
import { aboutImages } from './report-markdown.ts'
import { labelsOf, type ReportTable, reportTables } from './report-tables.ts'

const STYLE = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
figure{margin:1.5rem 0}svg{width:100%;height:auto}.maps{display:grid;grid-template-columns:repeat(auto-fill,minmax(16rem,1fr));gap:1rem}.maps figure{margin:0}
.table{overflow-x:auto}table{border-collapse:collapse;width:100%}td,th{padding:.2rem .5rem;text-align:right;border-bottom:1px solid #8884;white-space:nowrap}
td:first-child,th:first-child{text-align:left}`

/** An evaluation as one HTML page that needs nothing else: tables, and plots as SVG. */
export function evaluationHtml(evaluation: Evaluation): string {
  const labels = labelsOf(evaluation.releases)
  const maps = evaluation.releases.map(({ heatMap }, index) =>
    figure(heatMapPlot(labels[index] ?? '', heatMap)),
  )
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>Evaluation</title><style>${STYLE}</style></head><body>`,
    `<h1>Evaluation</h1><p>${escapeXml(aboutImages(evaluation))}</p>`,
    ...plotsOf(evaluation, labels).map(figure),
    '<h2>Layer and position</h2>',
    '<p>Accuracy when a layer (row) ran at a position (column), over orders that are otherwise arbitrary.</p>',
    `<div class="maps">${maps.join('')}</div>`,
    ...reportTables(evaluation).map(tableSection),
    '</body></html>',
  ].join('\n')
}

function figure(svg: string): string {
  return svg === '' ? '' : `<figure>${svg}</figure>`
}

function plotsOf({ releases }: Evaluation, labels: readonly string[]): string[] {
  const series = (points: (model: ModelEvaluation) => Series['points']): Series[] =>
    releases.map((model, index) => ({ name: labels[index] ?? model.name, points: points(model) }))
  const accuracy = { y: 'accuracy', yMax: 1, percent: true }
  return [
    linePlot({
      ...accuracy,
      title: 'Layers left, arbitrary order',
      x: 'layers',
      series: series((model) => prunedPoints(model, 'arbitrary')),
    }),
    linePlot({
      ...accuracy,
      title: 'Layers left, in sequence',
      x: 'layers',
      series: series((model) => prunedPoints(model, 'sequential')),
    }),
    linePlot({
      ...accuracy,
      title: 'Answers averaged over K orders',
      x: 'orders',
      series: series(({ ensembles }) => ensembles.map((one) => [one.orders, one.accuracy])),
    }),
    linePlot({
      title: 'Calibration error of answers averaged over K orders',
      x: 'orders',
      y: 'expected calibration error',
      percent: true,
      series: series(({ ensembles }) => ensembles.map((one) => [one.orders, one.calibrationError])),
    }),
  ]
}

function prunedPoints(
  { layers, pruned, arbitrary, sequential }: ModelEvaluation,
  order: 'arbitrary' | 'sequential',
): (readonly [number, number])[] {
  const points = Object.entries(pruned).map(([left, one]) => [Number(left), one[order]] as const)
  return [...points, [layers, order === 'arbitrary' ? arbitrary.mean : sequential]]
}

function tableSection({ title, about, columns, rows }: ReportTable): string {
  const cells = (tag: 'td' | 'th', row: readonly string[]): string =>
    `<tr>${row.map((cell) => `<${tag}>${escapeXml(cell)}</${tag}>`).join('')}</tr>`
  return `<h2>${escapeXml(title)}</h2><p>${escapeXml(about)}</p><div class="table"><table><thead>${cells('th', columns)}</thead><tbody>${rows.map((row) => cells('td', row)).join('')}</tbody></table></div>`
}
