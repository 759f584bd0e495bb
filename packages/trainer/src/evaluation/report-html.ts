import { escapeXml } from '@layerswarm/figures'
import { groupTrainings } from './average-trainings.ts'
import type { Evaluation } from './evaluate-models.ts'
import { evaluationPlots } from './evaluation-plots.ts'
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
  const trainings = groupTrainings(evaluation)
  const averages = trainings.map(({ average }) => average)
  const isAveraged = averages.length < evaluation.releases.length
  const maps = evaluation.releases.map(({ heatMap }, index) =>
    figure(heatMapPlot(labels[index] ?? '', heatMap)),
  )
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>Evaluation</title><style>${STYLE}</style></head><body>`,
    `<h1>Evaluation</h1><p>${escapeXml(aboutImages(evaluation))}</p>`,
    isAveraged ? '<p>The plots average trainings that differ by their seeds alone.</p>' : '',
    ...Object.values(evaluationPlots(averages)).map(figure),
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

function tableSection({ title, about, columns, rows }: ReportTable): string {
  const cells = (tag: 'td' | 'th', row: readonly string[]): string =>
    `<tr>${row.map((cell) => `<${tag}>${escapeXml(cell)}</${tag}>`).join('')}</tr>`
  return `<h2>${escapeXml(title)}</h2><p>${escapeXml(about)}</p><div class="table"><table><thead>${cells('th', columns)}</thead><tbody>${rows.map((row) => cells('td', row)).join('')}</tbody></table></div>`
}
