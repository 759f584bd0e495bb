import { SeededRandom } from '@layerswarm/swarm/testing'
import { expect, test } from 'vitest'
import { exponential, logNormal, weibull, weibullMean, weibullResidual } from './distributions.ts'

const COUNT = 40_000

function sample(draw: (random: SeededRandom) => number): { mean: number; median: number } {
  const random = new SeededRandom(5)
  const values = Array.from({ length: COUNT }, () => draw(random)).sort((a, b) => a - b)
  const mean = values.reduce((sum, value) => sum + value, 0) / COUNT
  return { mean, median: values[COUNT / 2] as number }
}

test('sessions of passers-by have the published median of 38 seconds', () => {
  const { mean, median } = sample((random) => weibull(random, 0.6, 70_000))
  expect(median / 1_000).toBeGreaterThan(36.5)
  expect(median / 1_000).toBeLessThan(39.5)
  expect(mean / weibullMean(0.6, 70_000)).toBeCloseTo(1, 1)
})

test('a shape of 1 is the exponential distribution', () => {
  expect(weibullMean(1, 100)).toBeCloseTo(100, 9)
  expect(sample((random) => exponential(random, 100)).median).toBeCloseTo(100 * Math.LN2, -1)
})

test('what is left of an exponential session does not depend on its past', () => {
  const left = sample((random) => weibullResidual(random, 1, 100))
  expect(left.mean / 100).toBeCloseTo(1, 1)
})

test('sessions met at a random moment last longer than sessions on average when most are short', () => {
  const left = sample((random) => weibullResidual(random, 0.6, 100))
  // Renewal theory: the mean of what is left is E[x²] / 2 E[x].
  const second = weibullMean(0.3, 100 ** 2)
  expect(left.mean / (second / (2 * weibullMean(0.6, 100)))).toBeCloseTo(1, 0)
  expect(left.mean).toBeGreaterThan(weibullMean(0.6, 100))
})

test('round trips have the median and the tail that they were asked to have', () => {
  const random = new SeededRandom(1)
  const trips = Array.from({ length: COUNT }, () => logNormal(random, 130, 0.65)).sort(
    (a, b) => a - b,
  )
  expect(trips[COUNT / 2]).toBeCloseTo(130, -1)
  expect((trips[COUNT * 0.9] as number) / 300).toBeCloseTo(1, 1)
})
