/**
 * Plots as text: SVG that needs no script, no style sheet and no network, for reports and documents.
 * A plot is a string with the colour of the text around it, to be put into a page; `standaloneSvg`
 * makes an image file of it. Free of any platform.
 *
 * @example
 * ```ts
 * import { linePlot, standaloneSvg } from '@layerswarm/figures'
 *
 * const plot = linePlot({
 *   title: 'Answered requests', x: 'peers that leave per minute, %', y: 'answered',
 *   percent: true,
 *   yMax: 1,
 *   series: [
 *     { name: 'any order', points: [[2, 1], [20, 1], [80, 0.99]] },
 *     { name: 'fixed order', points: [[2, 0.99], [20, 0.93], [80, 0.7]] },
 *   ],
 * })
 * const file = standaloneSvg(plot) // the text of an .svg file, dark on white
 * ```
 *
 * @packageDocumentation
 */
export {
  barPlot,
  escapeXml,
  linePlot,
  type PlotOptions,
  type Series,
  short,
  standaloneSvg,
} from './plot.ts'
