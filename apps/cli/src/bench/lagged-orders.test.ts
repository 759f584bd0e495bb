import { expect, test } from 'vitest'
import { parseOrder, parseReport } from './lagged-orders.ts'

test('an order may say how far everybody is, and nothing else counts', () => {
  expect(parseOrder({ lagMs: 65 })).toEqual({ lagMs: 65 })
  expect(parseOrder({ lagMs: 'far' })).toEqual({})
  expect(parseOrder(null)).toBeUndefined()
})

test('a report says what was sent and which layers lie where, or is none', () => {
  const report = { sentBytes: 12, hosted: [[0, 1], []] }
  expect(parseReport({ ...report, other: 1 })).toEqual(report)
  for (const bad of [
    undefined,
    'report',
    { sentBytes: 12 },
    { ...report, sentBytes: '12' },
    { ...report, hosted: [0, 1] },
    { ...report, hosted: [[0.5]] },
  ])
    expect(parseReport(bad)).toBeUndefined()
})
