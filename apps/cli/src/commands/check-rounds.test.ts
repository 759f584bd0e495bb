import { parseModelSpec } from '@layerswarm/model'
import { expect, test } from 'vitest'
import { checkRounds } from './check-rounds.ts'

const spec = parseModelSpec({
  ...{ variant: 'shuffle', imageSize: 8, patchSize: 4, channels: 1, classes: 3 },
  ...{ width: 8, layers: 4, heads: 2, mlpWidth: 16, layerNormEps: 1e-6 },
})
const rounds = { '1+1+1+1': 0.92, '2+2': 0.9166, '4': 0.8634 }
const measured = { name: 'fine', spec, rounds }
const plain = { name: 'plain', spec }
const kept = { name: 'kept', spec: { ...spec, variant: 'sequential' } } as const

function asked(rounds: Parameters<typeof checkRounds>[1]['rounds'], maxLoss = 0.5) {
  return { rounds, 'max-loss': maxLoss }
}

test('rounds are accepted that cost as much as is accepted, and no more', () => {
  expect(checkRounds(measured, asked([2, 2]))).toBeUndefined()
  expect(() => checkRounds(measured, asked([4]))).toThrow(
    'fine loses 5.66 points in rounds of 4, more than --max-loss 0.5: ask with --max-loss 5.66, or --rounds with 2+2 (0.34 points)',
  )
  expect(checkRounds(measured, asked([4], 5.66))).toBeUndefined()
  expect(() => checkRounds(measured, asked([2, 2], 0.2))).toThrow('ask with --max-loss 0.34')
})

test('rounds that nobody measured are taken by those alone who accept any loss', () => {
  expect(() => checkRounds(plain, asked([2, 2]))).toThrow(
    'plain was not measured in rounds of 2+2: its publisher does that with publish --rounds 2+2, and --max-loss 100 takes them unmeasured',
  )
  expect(() => checkRounds(measured, asked([1, 3]))).toThrow('it was in 2+2 (0.34 points), 4 (')
  expect(checkRounds(plain, asked([2, 2], 100))).toBeUndefined()
  expect(checkRounds(plain, asked([1, 1, 1, 1]))).toBeUndefined()
})

test('why auto runs one layer after another is said to those who asked for it', () => {
  expect(checkRounds(plain, asked('auto'))).toBe(
    'plain runs one layer after another: it was not measured in rounds; its publisher does that with: layerswarm publish DIR --rounds 4+4',
  )
  expect(checkRounds(measured, asked('auto', 0.1))).toContain(
    'each of its rounds costs more than --max-loss 0.1: 2+2 (0.34 points), 4 (5.66 points)',
  )
  expect(checkRounds(measured, asked('auto'))).toBeUndefined()
  expect(checkRounds(plain, asked(undefined))).toBeUndefined()
})

test('a release that keeps its order is asked in no rounds', () => {
  for (const choice of ['auto', [2, 2]] as const)
    expect(() => checkRounds(kept, asked(choice))).toThrow(
      'kept runs in its own order only: one layer after another, and never in rounds; leave --rounds out',
    )
  for (const choice of ['off', undefined] as const)
    expect(checkRounds(kept, asked(choice))).toBeUndefined()
})

test('rounds of another number of layers are refused in one line', () => {
  expect(() => checkRounds(measured, asked([4, 4], 100))).toThrow(
    '--rounds: "4+4" is no grouping of 4 layers; one is "2+2" (fine)',
  )
})
