/** Plots as text: SVG that needs no script, no style sheet and no network, for reports and documents. */
export {
  barPlot,
  escapeXml,
  linePlot,
  type PlotOptions,
  type Series,
  short,
  standaloneSvg,
} from './plot.ts'
