import { expect, test } from 'vitest'
import { auditText, liesText, markLies } from './lies.ts'

const route = [
  { layer: 2, peer: 'peer-1' },
  { layer: 5, peer: 'peer-3' },
]

test('a right answer is not said to be right in spite of a liar who had no part in it', () => {
  const liars = new Set(['peer-7'])
  expect(liesText(markLies(route, [], liars), liars)).toContain('had no part in this answer')
  expect(liesText(markLies(route, [], new Set()), new Set())).toBeUndefined()
})

test('every hop that a liar ran is marked, also when it is well again', () => {
  const first = markLies(route, [], new Set(['peer-3']))
  expect(first.map(({ lied }) => lied)).toEqual([false, true])
  const longer = markLies([...route, { layer: 0, peer: 'peer-3' }], first, new Set())
  expect(longer.map(({ lied }) => lied)).toEqual([false, true, false])
  expect(liesText(longer, new Set())).toContain('lied at layer 5')
})

test('what audits did is told: nothing yet, the same result, doubt, and who was found out', () => {
  expect(auditText({ layers: [], doubted: [] }, [])).toContain('no layer of this one yet')
  expect(auditText({ layers: [2, 5], doubted: [] }, [])).toContain('ran layers 2 and 5 again')
  const doubt = auditText({ layers: [], doubted: [5] }, ['peer-3', 'peer-3'])
  expect(doubt).toBe(
    'Audits doubt layer 5. Audits have found out peer-3, which is asked no more for a while.',
  )
})
