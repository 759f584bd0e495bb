import { parseModelSpec } from '@layerswarm/model'
import { expect, test } from 'vitest'
import { roundOf, roundsOffers } from './rounds-choice.ts'

const spec = parseModelSpec({
  ...{ variant: 'shuffle', imageSize: 8, patchSize: 4, channels: 1, classes: 3 },
  ...{ width: 8, layers: 4, heads: 2, mlpWidth: 16, layerNormEps: 1e-6 },
})

test('a release is asked in the rounds that it was measured in, each with what it costs', () => {
  const rounds = { '1+1+1+1': 0.92, '2+2': 0.9, '1+3': 0.9196, '3+1': 0.93 }
  expect(roundsOffers({ spec, rounds }).map(({ value, text }) => [value, text])).toEqual([
    ['off', 'never: one layer after another'],
    ['auto', 'where quicker, for 0.5 points at most'],
    ['3+1', '3+1: costs nothing'],
    ['1+3', '1+3: costs less than 0.1 points'],
    ['2+2', '2+2: costs 2 points of 100'],
  ])
})

test('a release that was not measured offers no choice', () => {
  expect(roundsOffers({ spec })).toEqual([])
})

test('each layer of a route ran in its round, or after all of them', () => {
  expect([0, 1, 2, 3, 4].map((at) => roundOf([2, 2], at))).toEqual([1, 1, 2, 2, undefined])
  expect(roundOf([], 0)).toBeUndefined()
})
