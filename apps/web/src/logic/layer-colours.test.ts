import { expect, test } from 'vitest'
import { layerHue } from './layer-colours.ts'

test('the layers of a model have hues of their own, equally far apart', () => {
  for (const layers of [1, 2, 8, 12, 64]) {
    const hues = Array.from({ length: layers }, (_, layer) => layerHue(layer, layers))
    const sorted = hues.toSorted((a, b) => a - b)
    const wrapped = (sorted[0] ?? 0) + 360
    const gaps = sorted.map((hue, i) => (sorted[i + 1] ?? wrapped) - hue)
    expect(Math.min(...hues)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...hues)).toBeLessThan(360)
    for (const gap of gaps) expect(gap).toBeCloseTo(360 / layers, 9)
  }
})
