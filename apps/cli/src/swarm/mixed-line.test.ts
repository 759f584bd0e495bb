import { expect, test } from 'vitest'
import { mixedLine } from './mixed-line.ts'

test('layers of other releases are named, each once', () => {
  const [one, other] = ['a1'.repeat(32), 'b2'.repeat(32)]
  expect(mixedLine([{ layer: 1 }, { layer: 0 }])).toBeUndefined()
  expect(
    mixedLine([
      { layer: 5, weights: one },
      { layer: 2 },
      { layer: 1, weights: one },
      { layer: 5, weights: one },
      { layer: 3, weights: other },
    ]),
  ).toBe('mixed: layers 1, 5 of release a1a1a1a1a1a1; layer 3 of release b2b2b2b2b2b2')
})
