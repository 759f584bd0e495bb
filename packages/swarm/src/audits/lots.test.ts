import { expect, test } from 'vitest'
import { anyStep, hopsBy } from '../testing/any-step.ts'
import type { PeerId } from '../wire/messages.ts'
import { Lots } from './lots.ts'

const { request } = anyStep()
const step = (hops: number, era: number) => anyStep({ era, route: hopsBy('a' as PeerId, hops) })

function drawn(seed: string, chance: number): boolean[] {
  const lots = new Lots()
  lots.begin(request, seed)
  return Array.from({ length: 960 }, (_, i) => lots.isDrawn(step(1 + (i % 64), i >> 6), chance))
}

test('as many are drawn as the chance says, by the seed and nothing else', () => {
  for (const chance of [0.05, 0.3, 0.9]) {
    const share = drawn('11', chance).filter(Boolean).length / 960
    expect(Math.abs(share - chance)).toBeLessThan(0.05)
  }
  expect(drawn('11', 0.5)).toEqual(drawn('11', 0.5))
  expect(drawn('11', 0.5)).not.toEqual(drawn('12', 0.5))
  expect(drawn('11', 1).every(Boolean)).toBe(true)
  expect(drawn('11', 0).some(Boolean)).toBe(false)
})

test('no two recomputations have the same name, and without a seed nothing is drawn', () => {
  const lots = new Lots()
  expect(lots.has(request)).toBe(false)
  lots.begin(request, '11')
  expect(lots.has(request)).toBe(true)
  const names = Array.from({ length: 20 }, () => lots.nameAfter(step(1, 0)))
  expect(new Set(names).size).toBe(20)
  expect(names.every((name) => /^[0-9a-f]{32}$/.test(name))).toBe(true)
  lots.end(request)
  expect(lots.has(request)).toBe(false)
})
