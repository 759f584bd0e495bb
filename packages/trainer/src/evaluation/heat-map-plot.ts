import { escapeXml } from '@layerswarm/figures'
import {
  HEAT_CELL_UNITS,
  HEAT_LEFT_UNITS,
  HEAT_RANGE_SHARE_MIN,
  HEAT_TOP_UNITS,
} from '../limits.ts'
import type { HeatMap } from './heat-map.ts'

/** A heat map as self-contained SVG: layers from top to bottom, positions from left to right. */
export function heatMapPlot(title: string, heatMap: HeatMap): string {
  const known = heatMap.flat().filter((cell) => cell !== null)
  if (known.length === 0) return ''
  const middle = known.reduce((sum, cell) => sum + cell, 0) / known.length
  const reach = Math.max(HEAT_RANGE_SHARE_MIN / 2, ...known.map((cell) => Math.abs(cell - middle)))
  const [low, high] = [Math.max(0, middle - reach), Math.min(1, middle + reach)]
  const size = heatMap.length * HEAT_CELL_UNITS
  const cells = heatMap.flatMap((row, layer) =>
    row.map((cell, position) =>
      drawCell(cell, layer, position, (low + high) / 2, (high - low) / 2),
    ),
  )
  const numbers = heatMap.flatMap((_, index) => [
    `<text x="${HEAT_LEFT_UNITS - 8}" y="${HEAT_TOP_UNITS + index * HEAT_CELL_UNITS + HEAT_CELL_UNITS / 2 + 4}" text-anchor="end">${index}</text>`,
    `<text x="${HEAT_LEFT_UNITS + index * HEAT_CELL_UNITS + HEAT_CELL_UNITS / 2}" y="${HEAT_TOP_UNITS - 6}" text-anchor="middle">${index}</text>`,
  ])
  const scale = `from ${(100 * low).toFixed(1)} % (orange) to ${(100 * high).toFixed(1)} % (blue)`
  return [
    `<svg viewBox="0 0 ${Math.max(size + HEAT_LEFT_UNITS + 4, 240)} ${size + HEAT_TOP_UNITS + 22}" role="img" aria-label="${escapeXml(`${title}, accuracy by layer and position`)}" font-family="sans-serif" font-size="11" fill="currentColor">`,
    `<text x="${HEAT_LEFT_UNITS}" y="14" font-size="13" font-weight="bold">${escapeXml(title)}</text>`,
    `<text x="${HEAT_LEFT_UNITS}" y="26">position</text><text transform="translate(9 ${HEAT_TOP_UNITS + size / 2}) rotate(-90)" text-anchor="middle">layer</text>`,
    ...numbers,
    ...cells,
    `<text x="${HEAT_LEFT_UNITS}" y="${size + HEAT_TOP_UNITS + 15}">${scale}</text>`,
    '</svg>',
  ].join('')
}

function drawCell(
  cell: number | null,
  layer: number,
  position: number,
  middle: number,
  reach: number,
): string {
  const place = `x="${HEAT_LEFT_UNITS + position * HEAT_CELL_UNITS}" y="${HEAT_TOP_UNITS + layer * HEAT_CELL_UNITS}" width="${HEAT_CELL_UNITS - 1}" height="${HEAT_CELL_UNITS - 1}"`
  if (cell === null) {
    return `<rect ${place} fill="none" stroke="#8888"><title>never drawn</title></rect>`
  }
  const strength = Math.min(1, Math.abs(cell - middle) / reach)
  const colour = cell < middle ? '#d55e00' : '#0072b2'
  const words = `layer ${layer} at position ${position}: ${(100 * cell).toFixed(1)} %`
  return `<rect ${place} fill="${colour}" fill-opacity="${(0.06 + 0.94 * strength).toFixed(2)}"><title>${words}</title></rect>`
}
