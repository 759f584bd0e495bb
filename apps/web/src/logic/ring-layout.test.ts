import { describe, expect, test } from 'vitest'
import { arcPath, discRadius, ringLayout } from './ring-layout.ts'

describe('ring layout', () => {
  test('the first peer stands at the top and the places do not depend on the order given', () => {
    const places = ringLayout(['b', 'a', 'c', 'd'], 100)
    expect(places.map((place) => place.id)).toEqual(['a', 'b', 'c', 'd'])
    expect(places[0]?.x).toBeCloseTo(0)
    expect(places[0]?.y).toBeCloseTo(-100)
    expect(ringLayout(['d', 'c', 'a', 'b'], 100)).toEqual(places)
  })

  test('all places are on the circle', () => {
    for (const { x, y } of ringLayout(['a', 'b', 'c', 'd', 'e', 'f', 'g'], 50))
      expect(Math.hypot(x, y)).toBeCloseTo(50)
  })

  test('discs of neighbours never touch', () => {
    for (const count of [2, 5, 20, 100]) {
      const [first, second] = ringLayout(
        Array.from({ length: count }, (_, i) => String(i).padStart(3, '0')),
        100,
      )
      const distance = Math.hypot(
        (first?.x ?? 0) - (second?.x ?? 0),
        (first?.y ?? 0) - (second?.y ?? 0),
      )
      expect(2 * discRadius(count, 100, 24)).toBeLessThan(distance)
    }
  })

  test('a segment starts where the one before it ended, less the gap', () => {
    expect(arcPath(0, 4, 10, 0)).toBe('M 0.00 -10.00 A 10 10 0 0 1 10.00 0.00')
    expect(arcPath(1, 4, 10, 0)).toMatch(/^M 10\.00 0\.00 /)
    expect(arcPath(0, 1, 10, 0.1)).toMatch(/^M 0 -10 A .* 0 10 A .* 0 -10$/)
  })
})
