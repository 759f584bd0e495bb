import { expect, test } from 'vitest'
import { coverageLevel, coverageText } from './coverage.ts'

test('a layer has no host, one, or many', () => {
  expect([0, 1, 2, 9].map(coverageLevel)).toEqual(['none', 'one', 'many', 'many'])
})

test.each([
  [[], /as soon as the server/],
  [[0, 0, 0], /^No layer has a host yet/],
  [[1, 0, 2, 0], /^Layers 1 and 3 have no host: answers come without them/],
  [[1, 1, 0], /^Layer 2 has no host: answers come without it/],
  [[2, 1, 1], /2 of 3 have a single one/],
  [[2, 1, 4], /1 of 3 has a single one/],
  [[2, 3, 2], /^Every layer has at least two hosts/],
])('hosts %j are put into one sentence', (hosts, sentence) => {
  expect(coverageText(hosts)).toMatch(sentence)
})
