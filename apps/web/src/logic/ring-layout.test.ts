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

  const crowd = (count: number) =>
    ringLayout(
      Array.from({ length: count }, (_, i) => String(i).padStart(3, '0')),
      100,
    )

  test.each([1, 2, 3, 5, 24, 25, 26, 41, 60, 99])('discs of %d peers never touch', (count) => {
    const places = crowd(count)
    const distances = places.flatMap((a, i) =>
      places.slice(i + 1).map((b) => Math.hypot(a.x - b.x, a.y - b.y)),
    )
    expect(2 * discRadius(places, 24)).toBeLessThan(Math.min(...distances, 100))
  })

  test('sixty discs are large enough to tell twelve colours around them, and stay near the circle', () => {
    const places = crowd(60)
    expect(discRadius(places, 24)).toBeGreaterThan(6)
    for (const { x, y } of places) expect(Math.abs(Math.hypot(x, y) - 100)).toBeLessThan(17)
  })

  test('a segment starts where the one before it ended, less the gap', () => {
    expect(arcPath(0, 4, 10, 0)).toBe('M 0.00 -10.00 A 10 10 0 0 1 10.00 0.00')
    expect(arcPath(1, 4, 10, 0)).toMatch(/^M 10\.00 0\.00 /)
    expect(arcPath(0, 1, 10, 0.1)).toMatch(/^M 0 -10 A .* 0 10 A .* 0 -10$/)
  })
})
