import { expect, test } from 'vitest'
import { measuredGroupings } from './measured-groupings.ts'
import { parseModelSpec } from './spec.ts'

const spec = parseModelSpec({
  variant: 'shuffle',
  imageSize: 8,
  patchSize: 4,
  channels: 1,
  width: 8,
  layers: 4,
  heads: 2,
  mlpWidth: 16,
  classes: 3,
  layerNormEps: 1e-6,
})

test('what a grouping costs is said against one layer after the other, the cheapest first', () => {
  const rounds = { '4': 0.6, '1+1+1+1': 0.92, '2+2': 0.915, '1+3': 0.93 }
  expect(measuredGroupings({ spec, rounds })).toEqual([
    { groups: [1, 3], lossPoints: -1 },
    { groups: [2, 2], lossPoints: 0.5 },
    { groups: [4], lossPoints: 32 },
  ])
})

test('without one layer after the other nobody knows what a grouping costs', () => {
  expect(measuredGroupings({ spec, rounds: { '2+2': 0.915 } })).toEqual([])
  expect(measuredGroupings({ spec })).toEqual([])
})
