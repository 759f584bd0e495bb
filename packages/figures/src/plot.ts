import {
  DOTTED_POINTS_MAX,
  PLOT_BOTTOM_UNITS,
  PLOT_HEIGHT_UNITS,
  PLOT_LEFT_UNITS,
  PLOT_RIGHT_UNITS,
  PLOT_TOP_UNITS,
  PLOT_WIDTH_UNITS,
} from './limits.ts'

/** Line and bar plots as self-contained SVG: no script, no font, no network. */

export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

/** A plot with its title and the names of its axes. */
export interface PlotOptions {
  readonly title: string
  /** Name of the x axis, with its unit. */
  readonly x: string
  /** Name of the y axis, with its unit. */
  readonly y: string
  readonly series: readonly Series[]
  /** Powers of ten along x. */
  readonly logX?: boolean
  /** The top of the y axis; the largest value unless given. */
  readonly yMax?: number
  /** The foot of the y axis, 0 unless given. */
  readonly yMin?: number
  /** The y axis is a share, 0 … 1, and is written as percent. */
  readonly percent?: boolean
}

/** Okabe and Ito's palette, told apart by colour-blind readers too. */
const COLOURS = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#999999',
  '#8f6f4f',
]

/** A text as it may stand in XML and HTML, between tags and inside quoted attributes. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

/** A number for people: three significant digits, thousands as k, millions as M. */
export function short(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e6) return `${trim(value / 1e6)}M`
  if (size >= 1e4) return `${trim(value / 1e3)}k`
  return trim(value)
}

function trim(value: number): string {
  return String(Number(value.toPrecision(3)))
}

type Scale = (value: number) => number

/** Lines over numbers. */
export function linePlot(options: PlotOptions): string {
  const { series, logX = false } = options
  const points = series.flatMap((one) => one.points)
  if (points.length === 0) return ''
  const xs = points.map(([x]) => x)
  const low = logX ? Math.log10(Math.max(1e-9, Math.min(...xs))) : Math.min(0, ...xs)
  const high = logX ? Math.log10(Math.max(...xs)) : Math.max(...xs)
  const range: Range = {
    foot: options.yMin ?? 0,
    top: options.yMax ?? (Math.max(...points.map(([, y]) => y)) || 1),
  }
  const span = high - low || 1
  const x: Scale = (value) =>
    PLOT_LEFT_UNITS +
    (((logX ? Math.log10(Math.max(1e-9, value)) : value) - low) / span) *
      (PLOT_WIDTH_UNITS - PLOT_LEFT_UNITS - PLOT_RIGHT_UNITS)
  const y = upwards(range)
  const ticks = logX ? decades(low, high) : evenly(low, high)
  const lines = series.map((one, i) => {
    const path = one.points
      .map(([px, py], at) => `${at === 0 ? 'M' : 'L'}${x(px).toFixed(1)} ${y(py).toFixed(1)}`)
      .join('')
    const dots = one.points.length > DOTTED_POINTS_MAX ? [] : one.points
    const marks = dots.map(
      ([px, py]) =>
        `<circle cx="${x(px).toFixed(1)}" cy="${y(py).toFixed(1)}" r="3" fill="${colour(i)}"/>`,
    )
    return `<path d="${path}" fill="none" stroke="${colour(i)}" stroke-width="2" stroke-linejoin="round"/>${marks.join('')}`
  })
  return frame(options, range, [
    ...ticks.map((value) => tick(x(value), short(value))),
    ...lines,
    legend(series.map(({ name }) => name)),
  ])
}

/** One bar per name. */
export function barPlot(
  options: Omit<PlotOptions, 'series' | 'x'>,
  bars: readonly (readonly [name: string, value: number])[],
): string {
  if (bars.length === 0) return ''
  const range: Range = {
    foot: 0,
    top: options.yMax ?? (Math.max(...bars.map(([, value]) => value)) || 1),
  }
  const y = upwards(range)
  const step = (PLOT_WIDTH_UNITS - PLOT_LEFT_UNITS - PLOT_RIGHT_UNITS) / bars.length
  const marks = bars.map(([name, value], i) => {
    const x = PLOT_LEFT_UNITS + i * step + step * 0.15
    const height = Math.max(0, y(0) - y(value))
    const label = options.percent === true ? `${trim(value * 100)} %` : short(value)
    return (
      `<rect x="${x.toFixed(1)}" y="${y(value).toFixed(1)}" width="${(step * 0.7).toFixed(1)}" height="${height.toFixed(1)}" fill="${colour(i)}"/>` +
      `<text x="${(x + step * 0.35).toFixed(1)}" y="${(y(value) - 4).toFixed(1)}" text-anchor="middle">${label}</text>` +
      tick(x + step * 0.35, name)
    )
  })
  return frame({ ...options, x: '', series: [] }, range, marks)
}

/** A plot as an image file of its own: dark on white, whatever shows it. */
export function standaloneSvg(plot: string): string {
  return plot
    .replace(
      '<svg ',
      `<svg xmlns="http://www.w3.org/2000/svg" width="${PLOT_WIDTH_UNITS}" height="${PLOT_HEIGHT_UNITS}" color="#1f2328" `,
    )
    .replace('>', '><rect width="100%" height="100%" fill="#fff"/>')
}

interface Range {
  readonly foot: number
  readonly top: number
}

function upwards({ foot, top }: Range): Scale {
  return (value) =>
    PLOT_HEIGHT_UNITS -
    PLOT_BOTTOM_UNITS -
    ((value - foot) / (top - foot)) * (PLOT_HEIGHT_UNITS - PLOT_TOP_UNITS - PLOT_BOTTOM_UNITS)
}

function frame(options: PlotOptions, range: Range, inside: readonly string[]): string {
  const y = upwards(range)
  const grid = evenly(range.foot, range.top).map((value) => {
    const label = options.percent === true ? `${trim(value * 100)} %` : short(value)
    const at = y(value).toFixed(1)
    return `<path d="M${PLOT_LEFT_UNITS} ${at}H${PLOT_WIDTH_UNITS - PLOT_RIGHT_UNITS}" stroke="#8884"/><text x="${PLOT_LEFT_UNITS - 6}" y="${at}" dy="4" text-anchor="end">${label}</text>`
  })
  const middle = (PLOT_LEFT_UNITS + PLOT_WIDTH_UNITS - PLOT_RIGHT_UNITS) / 2
  return [
    `<svg viewBox="0 0 ${PLOT_WIDTH_UNITS} ${PLOT_HEIGHT_UNITS}" role="img" aria-label="${escapeXml(options.title)}" font-family="sans-serif" font-size="12" fill="currentColor">`,
    `<text x="${PLOT_LEFT_UNITS}" y="16" font-size="14" font-weight="bold">${escapeXml(options.title)}</text>`,
    ...grid,
    ...inside,
    `<text x="${middle}" y="${PLOT_HEIGHT_UNITS - 6}" text-anchor="middle">${escapeXml(options.x)}</text>`,
    `<text transform="translate(12 ${(PLOT_HEIGHT_UNITS - PLOT_BOTTOM_UNITS + PLOT_TOP_UNITS) / 2}) rotate(-90)" text-anchor="middle">${escapeXml(options.y)}</text>`,
    '</svg>',
  ].join('')
}

function tick(x: number, label: string): string {
  return `<text x="${x.toFixed(1)}" y="${PLOT_HEIGHT_UNITS - PLOT_BOTTOM_UNITS + 16}" text-anchor="middle">${escapeXml(label)}</text>`
}

function legend(names: readonly string[]): string {
  let x = PLOT_LEFT_UNITS
  return names
    .map((name, i) => {
      const at = x
      x += 24 + name.length * 6.6
      return `<rect x="${at}" y="30" width="10" height="10" rx="2" fill="${colour(i)}"/><text x="${at + 14}" y="39">${escapeXml(name)}</text>`
    })
    .join('')
}

function colour(i: number): string {
  return COLOURS[i % COLOURS.length] as string
}

/** Round numbers that divide a range into about five parts. */
function evenly(low: number, high: number): number[] {
  const rough = (high - low) / 5 || 1
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power
  const values: number[] = []
  for (let i = Math.ceil(low / step); i * step <= high * (1 + 1e-9); i++)
    values.push(Number((i * step).toPrecision(12)))
  return values
}

function decades(low: number, high: number): number[] {
  const values: number[] = []
  for (let power = Math.floor(low); power <= Math.ceil(high); power++)
    for (const factor of [1, 3])
      if (Math.log10(factor) + power >= low - 0.01 && Math.log10(factor) + power <= high + 0.01)
        values.push(factor * 10 ** power)
  return values
}
