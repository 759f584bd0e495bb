import { expect, test } from 'vitest'
import {
  byRole,
  countTensors,
  executorsOf,
  manyRoundsLine,
  noRoundsLine,
  roundsLine,
} from './rounds-report.ts'

const hops = ['a', 'b', 'a', 'c'].map((peer) => ({ peer }))

test('what a hub sends its executors receive', () => {
  let [tensorsOut, tensorsIn] = [1_000, 50]
  const counted = countTensors({ snapshot: () => ({ bytes: { tensorsIn, tensorsOut } }) })
  tensorsOut += 60_000
  tensorsIn += 30_000
  const bytes = byRole(counted(1), executorsOf({ rounds: [[2, 2]], hops }))
  expect(bytes).toEqual({
    requester: { sent: 60_000, received: 30_000 },
    executor: { peers: 3, sent: 10_000, received: 20_000 },
  })
  expect(roundsLine([[2, 2]], bytes)).toBe(
    'in rounds of 2+2 on 3 peers; 60.0 kB sent and 30.0 kB received here, 10.0 kB sent and 20.0 kB received by each peer',
  )
  expect(manyRoundsLine({ '2+1': 2, '2+2': 498 }, bytes)).toMatch(
    /^498 in rounds of 2\+2, 2 of 2\+1 on 3 peers; /,
  )
})

test('of one layer after another only that is said, and only where rounds were asked for', () => {
  const bytes = byRole({ sent: 1, received: 2 }, executorsOf({ rounds: [[], []], hops }))
  expect(bytes.executor).toBeUndefined()
  expect(roundsLine([[], []], bytes)).toBeUndefined()
  expect(manyRoundsLine({}, bytes)).toBeUndefined()
  expect(noRoundsLine({})).toBeUndefined()
  expect(noRoundsLine({ rounds: 'off' })).toBeUndefined()
  expect(noRoundsLine({ rounds: 'auto' })).toBe('one layer after another')
})
